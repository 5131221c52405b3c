using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// Names a workload instance. Namespace and service account come from its certificate, so nobody can take the place of
/// a workload of another identity by calling itself the same.
/// </summary>
public readonly record struct WorkloadKey(string Namespace, string ServiceAccount, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Namespace}/{Name} ({ServiceAccount})";
}

/// <summary>A workload that serves a service, as its sidecar registered it. Immutable; made by Streaming/, kept by <see cref="WorkloadRegistry"/>.</summary>
public sealed record WorkloadRegistration
{
    /// <summary>Which workload.</summary>
    public required WorkloadKey Key { get; init; }

    /// <summary>Name of the service it serves, in its own namespace.</summary>
    public required string Service { get; init; }

    /// <summary>Where its sidecar's inbound listener is reached.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>Port of the application behind it.</summary>
    public required int AppPort { get; init; }

    /// <summary>All TCP to its address is captured: it is called there, on its application's ports.</summary>
    public bool Transparent { get; init; }

    /// <summary>But for these.</summary>
    public ImmutableArray<int> UncapturedPorts { get; init; } = [];

    /// <summary>Further addresses of a captured workload.</summary>
    public ImmutableArray<IPAddress> FurtherAddresses { get; init; } = [];

    /// <summary>Labels, for subsets.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Its application answers.</summary>
    public bool Ready { get; init; }

    /// <summary>It is about to go.</summary>
    public bool Draining { get; init; }

    /// <summary>Counts registrations: of two at one address the later is right.</summary>
    public long Sequence { get; init; }

    /// <summary>The service as others name it.</summary>
    public ServiceKey ServiceKey => new(Key.Namespace, Service);

    /// <summary>All its addresses, the one it advertises first.</summary>
    public IEnumerable<IPAddress> Addresses => [Address.Address, .. FurtherAddresses];

    /// <summary>Where the port of its application is reached.</summary>
    public IPEndPoint AddressOf(int port) => Transparent ? new IPEndPoint(Address.Address, port) : Address;

    /// <summary>Whether it takes new calls.</summary>
    public bool IsEndpoint => Ready && !Draining;
}
