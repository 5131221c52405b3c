using MeshLite.ControlPlane.Compile;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>Bounds on what one stream may ask for; beyond them it ends with a status that says so.</summary>
internal static class StreamLimits
{
    /// <summary>Most authorities subscribed. <value>10,000.</value></summary>
    public const int MaxAuthorities = 10_000;

    /// <summary>Most resources a Hello or Resync may name: each destination with two endpoint sets of its own. <value>30,010.</value></summary>
    public const int MaxKeys = (3 * MaxAuthorities) + 10;

    /// <summary>Longest authority.</summary>
    public const int MaxAuthorityLength = HostPort.MaxLength;

    /// <summary>Most labels of a workload. <value>64.</value></summary>
    public const int MaxLabels = 64;

    /// <summary>Most ports of a workload that are not captured. <value>64.</value></summary>
    public const int MaxUncapturedPorts = 64;

    /// <summary>Most further addresses of a workload. <value>8.</value></summary>
    public const int MaxFurtherAddresses = 8;

    /// <summary>Largest message of a sidecar: a Hello with <see cref="MaxKeys"/> keys. <value>16 MiB.</value></summary>
    public const int MaxMessageBytes = 16 * 1024 * 1024;

    /// <summary>Where an Update is cut, well below the 4 MiB that sidecars accept; one larger resource goes alone. <value>1 MiB.</value></summary>
    public const int UpdateBytes = 1024 * 1024;

    /// <summary>How soon Hello must follow the opening of a stream. <value>10 s.</value></summary>
    public static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How soon an Update must be acknowledged; the stream of one who doesn't is ended, so that it starts anew. <value>60 s.</value></summary>
    public static readonly TimeSpan AckTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Between two Stats of a sidecar at least. <value>30 s.</value></summary>
    public static readonly TimeSpan StatsInterval = TimeSpan.FromSeconds(30);

    /// <summary>Between inventories. <value>30 s.</value></summary>
    public static readonly TimeSpan InventoryInterval = TimeSpan.FromSeconds(30);
}
