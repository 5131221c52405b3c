using System.Text;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>A request's header fields as HPACK has them (RFC 7541), without its dynamic table and Huffman's code. Pure.</summary>
internal static class HeaderBlock
{
    // Appendix A.
    private const byte MethodPost = 0x80 | 3;
    private const byte SchemeHttps = 0x80 | 7;
    private const byte Authority = 1;
    private const byte Path = 4;

    /// <summary>Of a gRPC call. Names and values have at most 126 bytes.</summary>
    public static byte[] OfGrpc(string authority, string path) =>
    [
        MethodPost, SchemeHttps, Path, .. Text(path), Authority, .. Text(authority),
        0, .. Text("content-type"), .. Text("application/grpc"), 0, .. Text("te"), .. Text("trailers"), 0, .. Text("user-agent"), .. Text("grpc-csharp-meshlite/1"),
    ];

    private static byte[] Text(string text) => text.Length < 127 ? [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)] : throw new ArgumentException("too long", nameof(text));
}
