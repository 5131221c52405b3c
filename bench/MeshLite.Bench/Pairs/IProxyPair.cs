using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>Client → proxy → mutual TLS → proxy → backend: one product to measure.</summary>
internal interface IProxyPair
{
    /// <summary>Its key in results.json.</summary>
    string Name { get; }

    /// <summary>What stands between the two ends and with how many workers, for the report.</summary>
    string Description { get; }

    /// <summary>Why it can't run here; null: it can.</summary>
    string? Missing { get; }

    /// <summary>The proxies: their CPU and memory count, nothing else's.</summary>
    IReadOnlyList<ManagedProcess> Proxies { get; }

    /// <summary>Starts it in front of the backend and returns where requests enter.</summary>
    Task<Uri> StartAsync(Uri backend);
}
