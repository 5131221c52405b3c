namespace MeshLite.Injection;

/// <summary>The annotations of a pod that the mesh reads, and those it writes (design.md §6).</summary>
public static class MeshAnnotations
{
    /// <summary>What they all begin with.</summary>
    public const string Prefix = "meshlite.dev/";

    /// <summary>Label of a namespace; label or annotation of a pod: <c>enabled</c> or <c>true</c>, <c>disabled</c> or <c>false</c>.</summary>
    public const string Inject = Prefix + "inject";

    /// <summary><c>Permissive</c> or <c>Strict</c>, for this pod; the control plane enforces it.</summary>
    public const string Mtls = Prefix + "mtls";

    /// <summary>Ports of the pod that are reached without the sidecar.</summary>
    public const string SkipInbound = Prefix + "skip-inbound-ports";

    /// <summary>Ports of others that are reached without the sidecar.</summary>
    public const string SkipOutbound = Prefix + "skip-outbound-ports";

    /// <summary>Ports of the pod that speak no HTTP, whatever it looks like.</summary>
    public const string Opaque = Prefix + "opaque-ports";

    /// <summary>How much the sidecar logs.</summary>
    public const string LogLevel = Prefix + "log-level";

    /// <summary>CPU the sidecar requests.</summary>
    public const string CpuRequest = Prefix + "cpu-request";

    /// <summary>Memory the sidecar requests.</summary>
    public const string MemoryRequest = Prefix + "memory-request";

    /// <summary>Written by injection: by which version.</summary>
    public const string Status = Prefix + "status";

    /// <summary>Written by injection: the mesh's roots, which the pod sees as a file.</summary>
    public const string TrustBundle = Prefix + "trust-bundle";

    internal static readonly string[] Read = [Inject, Mtls, SkipInbound, SkipOutbound, Opaque, LogLevel, CpuRequest, MemoryRequest];

    internal static readonly string[] Written = [Status, TrustBundle];
}
