using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Where a connection was going before a rule led it here: netfilter's <c>SO_ORIGINAL_DST</c>
/// (linux/netfilter_ipv4.h, linux/netfilter_ipv6/ip6_tables.h). Stateless.
/// </summary>
internal static class OriginalDestination
{
    private const int SolIp = 0;
    private const int SolIpv6 = 41;
    private const int SoOriginalDst = 80;

    // struct sockaddr_in: family, port, address, padding; sockaddr_in6: family, port, flow, address, scope.
    private const int Ipv4Length = 16;
    private const int Ipv6Length = 28;
    private const ushort AfInet = 2;
    private const ushort AfInet6 = 10;

    /// <summary>Null: nobody led it here, it was meant for the sidecar.</summary>
    public static IPEndPoint? Of(Socket socket)
    {
        var local = socket.LocalEndPoint as IPEndPoint;
        var isIpv6 = local?.AddressFamily == AddressFamily.InterNetworkV6;
        Span<byte> address = stackalloc byte[Ipv6Length];
        address = address[..(isIpv6 ? Ipv6Length : Ipv4Length)];
        try
        {
            var length = socket.GetRawSocketOption(isIpv6 ? SolIpv6 : SolIp, SoOriginalDst, address);
            return Parse(address[..length]) is { } original && !original.Equals(local) ? original : null;
        }
        catch (SocketException)
        {
            // No connection tracking: then there are no rules either.
            return null;
        }
    }

    /// <summary>Reads a <c>struct sockaddr</c>; null: neither IPv4 nor IPv6.</summary>
    internal static IPEndPoint? Parse(ReadOnlySpan<byte> address) => address.Length < 4 ? null : (BitConverter.ToUInt16(address), address.Length) switch
    {
        (AfInet, >= 8) => new IPEndPoint(new IPAddress(address[4..8]), Port(address)),
        (AfInet6, >= 24) => new IPEndPoint(new IPAddress(address[8..24]), Port(address)),
        _ => null,
    };

    private static int Port(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
}
