namespace MeshLite.Processes.Mesh;

/// <summary>One sidecar: whom it stands beside and who it is. Immutable.</summary>
public sealed record SidecarSpec
{
    /// <summary>Name of its log and state directory; unique in the mesh.</summary>
    public required string Name { get; init; }

    /// <summary>The service it serves; null: its application only calls others.</summary>
    public string? Service { get; init; }

    /// <summary>Of its identity and of its service.</summary>
    public string Namespace { get; init; } = "shop";

    /// <summary>Of its identity; null: the service's name, or <see cref="Name"/>.</summary>
    public string? ServiceAccount { get; init; }

    /// <summary>The application's port on loopback; 0: none.</summary>
    public int AppPort { get; init; }

    /// <summary>Where the application tells its health; null: not asked.</summary>
    public string? HealthPath { get; init; }

    /// <summary>Labels of the workload.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The token to present instead of one made for this identity.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Where its application sends calls; 0: a free port. Set where the application is started first.</summary>
    public int OutboundPort { get; init; }

    /// <summary>
    /// Takes its ports from outside the kernel's range for outgoing connections, so that none of those can sit on a port
    /// while the sidecar is away. For sidecars that are restarted under load.
    /// </summary>
    public bool FixedPorts { get; init; }

    /// <summary>Further arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Further environment variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    internal string Account => ServiceAccount ?? Service ?? Name;
}
