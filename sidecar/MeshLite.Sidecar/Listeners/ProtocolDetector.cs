using System.Buffers;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Tells a connection's protocol from its first bytes, without consuming them. Pure; never looks past
/// <see cref="MaxPeekBytes"/>, and what it can't tell by then is <see cref="ConnectionProtocol.Opaque"/>.
/// </summary>
internal static class ProtocolDetector
{
    /// <value>Bytes. A ClientHello with post-quantum key shares is about 1.8 kB; 16 kB is the largest TLS record.</value>
    public const int MaxPeekBytes = 16 * 1024 + 5;

    private const byte TlsHandshakeRecord = 22;

    /// <summary>RFC 9110 §9.1: a method is a token; none in use is longer (the longest registered has 17 letters).</summary>
    private const int MaxMethodLength = 24;

    // RFC 9110 §5.6.2 tchar.
    private static readonly SearchValues<byte> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private static ReadOnlySpan<byte> Http2Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Looks at the bytes seen so far; <see cref="ConnectionProtocol.Undecided"/> asks for more.</summary>
    public static ConnectionProtocol Detect(ReadOnlySpan<byte> seen)
    {
        if (seen.IsEmpty)
        {
            return ConnectionProtocol.Undecided;
        }

        if (seen[0] == TlsHandshakeRecord)
        {
            return DetectTls(seen);
        }

        var common = Math.Min(seen.Length, Http2Preface.Length);
        if (seen[..common].SequenceEqual(Http2Preface[..common]))
        {
            return seen.Length >= Http2Preface.Length ? ConnectionProtocol.Http2 : ConnectionProtocol.Undecided;
        }

        return DetectHttp1(seen);
    }

    private static ConnectionProtocol DetectTls(ReadOnlySpan<byte> seen) => ClientHello.Parse(seen, out var hello) switch
    {
        ClientHelloResult.Incomplete => seen.Length >= MaxPeekBytes ? ConnectionProtocol.Opaque : ConnectionProtocol.Undecided,
        ClientHelloResult.Parsed => hello.OffersMesh ? ConnectionProtocol.MeshTls : ConnectionProtocol.Tls,
        _ => ConnectionProtocol.Opaque,
    };

    // method SP target SP "HTTP/1." — the version is what tells HTTP from any text protocol, so wait for it.
    private static ConnectionProtocol DetectHttp1(ReadOnlySpan<byte> seen)
    {
        var methodLength = seen.IndexOfAnyExcept(Token);
        if (methodLength < 0)
        {
            return seen.Length > MaxMethodLength ? ConnectionProtocol.Opaque : ConnectionProtocol.Undecided;
        }

        if (methodLength is 0 or > MaxMethodLength || seen[methodLength] != (byte)' ')
        {
            return ConnectionProtocol.Opaque;
        }

        var target = seen[(methodLength + 1)..];
        var end = target.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0)
        {
            // The target may be long; the handler behind has the limit on the request line.
            return seen.Length >= MaxPeekBytes ? ConnectionProtocol.Http1 : ConnectionProtocol.Undecided;
        }

        var line = target[..end];
        var version = line.LastIndexOf((byte)' ');
        if (version < 0 || !line[(version + 1)..].StartsWith("HTTP/1."u8))
        {
            return ConnectionProtocol.Opaque;
        }

        return seen[..methodLength].SequenceEqual("CONNECT"u8) ? ConnectionProtocol.Connect : ConnectionProtocol.Http1;
    }
}
