using System.Text;
using MeshLite.Sidecar.Http1;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Does with a <see cref="ChunkReader"/> what a connection does, with bytes that come in pieces.</summary>
internal sealed class Chunks
{
    private readonly HttpResponseMessage _response = new();
    private readonly List<byte> _data = [];
    private ChunkReader _reader;

    public bool IsAtEnd => _reader.IsAtEnd;

    public byte[] Data => [.. _data];

    public List<(string Name, string Value)> Trailers => Heads.Listed(_response.TrailingHeaders.NonValidated);

    /// <summary>What has come and was not used.</summary>
    public ReadOnlyMemory<byte> Rest { get; private set; }

    /// <summary>All at once.</summary>
    public static Chunks Of(string body)
    {
        var chunks = new Chunks();
        chunks.Come(Encoding.Latin1.GetBytes(body));
        return chunks;
    }

    public void Come(ReadOnlyMemory<byte> piece)
    {
        Rest = Rest.IsEmpty ? piece : (byte[])[.. Rest.Span, .. piece.Span];
        while (!IsAtEnd)
        {
            if (_reader.Left == 0)
            {
                var used = _reader.Read(Rest.Span, out var trailers);
                if (IsAtEnd)
                {
                    Http1ResponseHead.ParseTrailers(trailers, _response.TrailingHeaders, new FieldStrings());
                }

                Rest = Rest[used..];
            }

            var data = Rest[..(int)Math.Min(_reader.Left, Rest.Length)];
            if (data.IsEmpty)
            {
                return;
            }

            _data.AddRange(data.Span);
            _reader.Take(data.Length);
            Rest = Rest[data.Length..];
        }
    }

    /// <summary>The plainest form of a body.</summary>
    public static byte[] Encode(byte[] data, IEnumerable<(string Name, string Value)> trailers) =>
    [
        .. Encoding.Latin1.GetBytes(data.Length > 0 ? $"{data.Length:x}\r\n" : ""), .. data, .. Encoding.Latin1.GetBytes(data.Length > 0 ? "\r\n0\r\n" : "0\r\n"),
        .. Encoding.Latin1.GetBytes(string.Concat(trailers.Select(t => $"{t.Name}: {t.Value}\r\n")) + "\r\n"),
    ];
}
