using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The addresses by which others reach this pod: those of its interfaces, loopback excepted. Read as the sidecar starts, and
/// again, at most once a second, when asked for one that is not there. Thread-safe.
/// </summary>
internal sealed class OwnAddresses(TimeProvider time)
{
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);

    private volatile IPAddress[] _addresses = Look();
    private long _lookedAt = time.GetTimestamp();

    /// <summary>The one others most likely use: IPv4 before IPv6; null: there is none.</summary>
    public IPAddress? First =>
        Array.Find(_addresses, address => address.AddressFamily == AddressFamily.InterNetwork)
        ?? Array.Find(_addresses, address => !address.IsIPv6LinkLocal);

    /// <summary>Those that others can call, as they are now.</summary>
    public IReadOnlyList<IPAddress> Callable() => [.. Look().Where(address => !address.IsIPv6LinkLocal).Distinct()];

    /// <summary>Whether the address is known to be this pod's.</summary>
    public bool Contains(IPAddress address) => Array.IndexOf(_addresses, address) >= 0;

    /// <summary>Whether it is by now.</summary>
    public bool ContainsNow(IPAddress address)
    {
        if (Contains(address))
        {
            return true;
        }

        var looked = Volatile.Read(ref _lookedAt);
        if (time.GetElapsedTime(looked) < LookAgainAfter || Interlocked.CompareExchange(ref _lookedAt, time.GetTimestamp(), looked) != looked)
        {
            return false;
        }

        _addresses = Look();
        return Contains(address);
    }

    private static IPAddress[] Look() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address).Where(address => !IPAddress.IsLoopback(address)).Select(WithoutScope),
    ];

    private static IPAddress WithoutScope(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address;
}
