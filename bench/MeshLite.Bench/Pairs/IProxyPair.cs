using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>Client → proxy → mutual TLS → proxy → backend: one product to measure. Disposing it ends its processes.</summary>
internal interface IProxyPair : IAsyncDisposable
{
    /// <summary>Its key in results.json.</summary>
    string Name { get; }

    /// <summary>What stands between the two ends and with how many workers, for the report.</summary>
    string Description { get; }

    /// <summary>Why it can't run here; null: it can.</summary>
    string? Missing { get; }

    /// <summary>Starts it in front of the backends; returns once it takes requests.</summary>
    Task<PairEntries> StartAsync(Backends backends);
}

/// <summary>What stands behind all pairs.</summary>
/// <param name="Http">HTTP/1.1: 100 B, 10 kB at <c>/10k</c>, 1 MB at <c>/1m</c>.</param>
/// <param name="Grpc">h2c: echoes unary calls.</param>
/// <param name="Collector">OTLP over gRPC.</param>
internal sealed record Backends(Uri Http, Uri Grpc, Uri Collector);

/// <summary>A pair that runs: where requests enter, by protocol.</summary>
/// <param name="Http">HTTP/1.1.</param>
/// <param name="Grpc">h2c.</param>
internal sealed record PairEntries(PairEntry Http, PairEntry Grpc);

/// <summary>One way in.</summary>
/// <param name="Address">Scheme, host and port.</param>
/// <param name="Host">What requests name as their host.</param>
/// <param name="Proxies">The proxies on this way: their CPU and memory count, nothing else's.</param>
internal sealed record PairEntry(Uri Address, string Host, IReadOnlyList<ManagedProcess> Proxies);
