using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// An authority taken apart: host in lower case without the dot that may end it, and the port if one is named. Pure.
/// </summary>
/// <param name="Host">Name, or address without brackets.</param>
/// <param name="Port">Null: none named.</param>
/// <param name="Address">Set where the host is an address.</param>
public readonly record struct HostPort(string Host, int? Port, IPAddress? Address)
{
    /// <summary>Longest authority: a DNS name (RFC 1035 §2.3.4) with a port, and brackets. <value>262 characters.</value></summary>
    public const int MaxLength = 262;

    /// <summary>False for what is no host with or without port; a port outside 1 to 65535 is told as 0, which no service has.</summary>
    public static bool TryParse(string authority, out HostPort result)
    {
        result = default;
        if (authority.Length is 0 or > MaxLength || authority.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return false;
        }

        var (host, port) = Split(authority.ToLowerInvariant());
        var bracketed = host is ['[', .., ']'];
        host = bracketed ? host[1..^1] : host.EndsWith('.') ? host[..^1] : host;
        var address = IsAddress(host) && IPAddress.TryParse(host, out var parsed) ? parsed : null;
        if (host.Length == 0 || (bracketed && address is null) || (!bracketed && host.AsSpan().ContainsAny(":/@[]?#\\")))
        {
            return false;
        }

        result = new HostPort(
            host,
            port is null ? null
            : ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0,
            address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address);
        return true;
    }

    private static (string Host, string? Port) Split(string authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon < 0 || authority.EndsWith(']') ? (authority, null) : (authority[..colon], authority[(colon + 1)..]);
    }

    // IPAddress.TryParse takes "1" and "0x7f.1" for addresses; a host of the mesh may be called "1".
    private static bool IsAddress(string host) =>
        host.Contains(':') || (host.Count(c => c == '.') == 3 && host.Split('.').All(part => part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit)));
}
