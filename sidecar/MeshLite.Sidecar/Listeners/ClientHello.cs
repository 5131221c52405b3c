using System.Buffers.Binary;
using System.Text;

namespace MeshLite.Sidecar.Listeners;

/// <summary>How far <see cref="ClientHello.Parse"/> came.</summary>
internal enum ClientHelloResult
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>Not a ClientHello.</summary>
    Malformed,

    /// <summary>Read.</summary>
    Parsed,
}

/// <summary>
/// What a TLS ClientHello (RFC 8446 §4.1.2) offers, as far as a proxy needs it: whether it asks for one of the
/// mesh's protocols (ALPN, RFC 7301), and the name of the server it wants (SNI, RFC 6066 §3). Reads a hello that lies in one TLS record; every length is checked
/// against what encloses it. Pure.
/// </summary>
internal readonly record struct ClientHello(bool OffersMesh, string? ServerName = null)
{
    private const int RecordHeader = 5;
    private const byte ClientHelloType = 1;
    private const ushort ServerNameExtension = 0;
    private const ushort AlpnExtension = 16;
    private const byte HostName = 0;
    private const int MaxHostName = 253;

    private static ReadOnlySpan<byte> MeshAlpnPrefix => "meshlite-"u8;

    /// <summary>Reads the hello at the start of <paramref name="seen"/>; never throws.</summary>
    public static ClientHelloResult Parse(ReadOnlySpan<byte> seen, out ClientHello hello)
    {
        hello = default;
        if (seen.Length < RecordHeader)
        {
            return ClientHelloResult.Incomplete;
        }

        int recordLength = BinaryPrimitives.ReadUInt16BigEndian(seen[3..]);
        if (seen[0] != 22 || seen[1] != 3 || recordLength is < 42 or > 16 * 1024)
        {
            return ClientHelloResult.Malformed;
        }

        if (seen.Length < RecordHeader + recordLength)
        {
            return ClientHelloResult.Incomplete;
        }

        var reader = new Reader(seen.Slice(RecordHeader, recordLength));
        if (!reader.TryByte(out var type) || type != ClientHelloType || !reader.TrySkip(3)      // length: the record's end bounds us
            || !reader.TrySkip(2 + 32)                                                          // legacy_version, random
            || !reader.TryVector8(out _)                                                        // legacy_session_id
            || !reader.TryVector16(out _)                                                       // cipher_suites
            || !reader.TryVector8(out _))                                                       // legacy_compression_methods
        {
            return ClientHelloResult.Malformed;
        }

        if (reader.IsEmpty)
        {
            return ClientHelloResult.Parsed; // no extensions: allowed before TLS 1.3
        }

        if (reader.TryVector16(out var extensions) && TryReadExtensions(extensions, out hello))
        {
            return ClientHelloResult.Parsed;
        }

        hello = default;
        return ClientHelloResult.Malformed;
    }

    private static bool TryReadExtensions(ReadOnlySpan<byte> extensions, out ClientHello hello)
    {
        hello = default;
        var (hasAlpn, hasName) = (false, false);
        var reader = new Reader(extensions);
        while (!reader.IsEmpty)
        {
            if (!reader.TryUInt16(out var type) || !reader.TryVector16(out var body))
            {
                return false;
            }

            if (type == AlpnExtension)
            {
                // "There MUST NOT be more than one extension of the same type" (RFC 8446 §4.2): whoever reads on might take the other.
                if (hasAlpn || !TryReadAlpn(body, out var mesh))
                {
                    return false;
                }

                hasAlpn = true;
                hello = hello with { OffersMesh = mesh };
            }
            else if (type == ServerNameExtension)
            {
                if (hasName || !TryReadServerName(body, out var name))
                {
                    return false;
                }

                hasName = true;
                hello = hello with { ServerName = name };
            }
        }

        return true;
    }

    // "Clients MUST NOT include more than one name of the same type" (RFC 6066 §3); the one type there is, is host_name.
    private static bool TryReadServerName(ReadOnlySpan<byte> body, out string? name)
    {
        name = null;
        var reader = new Reader(body);
        if (!reader.TryVector16(out var list))
        {
            return false;
        }

        reader = new Reader(list);
        if (!reader.TryByte(out var type) || type != HostName || !reader.TryVector16(out var host) || !reader.IsEmpty
            || host.Length is 0 or > MaxHostName || host.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            return false;
        }

        name = Encoding.ASCII.GetString(host);
        return true;
    }

    private static bool TryReadAlpn(ReadOnlySpan<byte> body, out bool mesh)
    {
        mesh = false;
        var reader = new Reader(body);
        if (!reader.TryVector16(out var list))
        {
            return false;
        }

        reader = new Reader(list);
        while (!reader.IsEmpty)
        {
            if (!reader.TryVector8(out var protocol))
            {
                return false;
            }

            mesh |= protocol.StartsWith(MeshAlpnPrefix);
        }

        return true;
    }

    private ref struct Reader(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public readonly bool IsEmpty => _rest.IsEmpty;

        public bool TrySkip(int count)
        {
            if (_rest.Length < count)
            {
                return false;
            }

            _rest = _rest[count..];
            return true;
        }

        public bool TryByte(out byte value)
        {
            value = _rest.IsEmpty ? (byte)0 : _rest[0];
            return TrySkip(1);
        }

        public bool TryUInt16(out ushort value)
        {
            value = _rest.Length < 2 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(_rest);
            return TrySkip(2);
        }

        public bool TryVector8(out ReadOnlySpan<byte> vector)
        {
            vector = default;
            return TryByte(out var length) && TryTake(length, out vector);
        }

        public bool TryVector16(out ReadOnlySpan<byte> vector)
        {
            vector = default;
            return TryUInt16(out var length) && TryTake(length, out vector);
        }

        private bool TryTake(int length, out ReadOnlySpan<byte> vector)
        {
            vector = _rest.Length < length ? default : _rest[..length];
            return TrySkip(length);
        }
    }
}
