using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// What may be called outside the mesh where not everything may: names by name, addresses by network. A name is never let out for
/// the address it has, nor an address for a name that leads to it: DNS is somebody else's word. Immutable.
/// </summary>
internal sealed class EgressModel
{
    private readonly FrozenSet<string> _hosts;
    private readonly ImmutableArray<string> _below;
    private readonly ImmutableArray<IPNetwork> _networks;

    private EgressModel(ImmutableArray<string> allow)
    {
        _networks = [.. allow.Select(NetworkOf).Where(network => network is not null).Select(network => network!.Value)];
        _below = [.. allow.Where(entry => entry.StartsWith("*.", StringComparison.Ordinal)).Select(entry => entry[1..])];
        _hosts = allow.Where(entry => !entry.StartsWith('*') && NetworkOf(entry) is null).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Null: everything may be called.</summary>
    public static EgressModel? Build(EgressConfig config) => config.Mode == EgressMode.Allow ? null : new EgressModel(config.Allow);

    /// <summary>A host as an authority has it: a name, or an address, IPv6 with or without brackets.</summary>
    public bool Allows(string host)
    {
        // As the resolver will: "0x7f.1" is an address, and no name.
        if (IPAddress.TryParse(host.AsSpan().Trim("[]"), out var address))
        {
            return Allows(address);
        }

        var name = host.EndsWith('.') ? host[..^1] : host;
        return _hosts.Contains(name) || _below.Any(suffix => name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>An address called as such.</summary>
    public bool Allows(IPAddress address)
    {
        var called = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return _networks.Any(network => network.BaseAddress.AddressFamily == called.AddressFamily && network.Contains(called));
    }

    private static IPNetwork? NetworkOf(string entry) =>
        IPNetwork.TryParse(entry, out var network) ? network
        : IPAddress.TryParse(entry, out var address) ? new IPNetwork(address, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128)
        : null;
}
