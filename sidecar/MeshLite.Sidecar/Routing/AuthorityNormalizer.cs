using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Brings an authority (the Host header, <c>:authority</c>, or the target of CONNECT) into one form (RFC 3986 §3.2.2,
/// §6.2.2.1): lower case, no dot at the end, no empty port, IPv6 as RFC 5952 writes it. Refused: user information, zone
/// ids, IPvFuture, percent-encoding (allowed in names by the RFC, used by nobody, and a way to write one name in many),
/// empty labels, and whatever the RFC has no place for. Stateless; allocates nothing when the authority is normal already
/// (but 80 short-lived bytes for an IPv6 literal).
/// </summary>
internal static class AuthorityNormalizer
{
    /// <summary>A DNS name has 253 characters at most (RFC 1035 §2.3.4); more is not worth a subscription.</summary>
    private const int MaxHostLength = 253;

    // unreserved and sub-delims of RFC 3986 §2.2 and §2.3.
    private static readonly SearchValues<char> RegName =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=");

    private static readonly SearchValues<char> UpperCase = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>False: not an authority a request can be sent to.</summary>
    public static bool TryNormalize(string? authority, out HostKey key)
    {
        key = default;
        if (string.IsNullOrEmpty(authority) || !TrySplit(authority, out var host, out var port, out var isPortNormal))
        {
            return false;
        }

        if (host[0] == '[')
        {
            return TryIpv6(authority, host, port, isPortNormal, out key);
        }

        var name = host[^1] == '.' ? host[..^1] : host;
        if (name.Length is 0 or > MaxHostLength || name.ContainsAnyExcept(RegName)
            || name[0] == '.' || name[^1] == '.' || name.Contains("..", StringComparison.Ordinal))
        {
            return false;
        }

        key = isPortNormal && name.Length == host.Length && !name.ContainsAny(UpperCase)
            ? new HostKey(authority, name.Length, port)
            : Make(name, port);
        return true;
    }

    private static bool TrySplit(string authority, out ReadOnlySpan<char> host, out int port, out bool isPortNormal)
    {
        host = authority;
        port = 0;
        isPortNormal = true;

        var hostEnd = authority[0] == '[' ? authority.IndexOf(']') + 1 : authority.IndexOf(':');
        if (hostEnd < 0 || hostEnd == authority.Length)
        {
            return true;
        }

        if (hostEnd == 0 || authority[hostEnd] != ':')
        {
            return false;
        }

        host = authority.AsSpan(0, hostEnd);
        var digits = authority.AsSpan(hostEnd + 1);
        // §3.2.3: "URI producers and normalizers should omit the port component and its ":" delimiter if port is empty".
        isPortNormal = !digits.IsEmpty && digits[0] != '0';
        return digits.IsEmpty
            || (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535);
    }

    private static bool TryIpv6(string authority, ReadOnlySpan<char> host, int port, bool isPortNormal, out HostKey key)
    {
        key = default;
        var literal = host[1..^1];
        // '%' would be a zone id, which means nothing to anyone else (RFC 6874 §4).
        if (literal.Contains('%') || !IPAddress.TryParse(literal, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<char> normal = stackalloc char[65];
        normal[0] = '[';
        address.TryFormat(normal[1..], out var length);
        normal[length + 1] = ']';
        normal = normal[..(length + 2)];
        key = isPortNormal && host.SequenceEqual(normal) ? new HostKey(authority, host.Length, port) : Make(normal, port);
        return true;
    }

    private static HostKey Make(ReadOnlySpan<char> host, int port)
    {
        Span<char> buffer = stackalloc char[MaxHostLength + 6];
        host.ToLowerInvariant(buffer);
        var length = host.Length;
        if (port > 0)
        {
            buffer[length++] = ':';
            port.TryFormat(buffer[length..], out var digits, default, CultureInfo.InvariantCulture);
            length += digits;
        }

        return new HostKey(new string(buffer[..length]), host.Length, port);
    }
}
