using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources;

/// <summary>What holds for the mesh; the one resource of its kind is called <c>default</c>. Immutable.</summary>
public sealed record MeshConfigResource : Resource
{
    /// <summary>Its only name.</summary>
    public const string DefaultName = "default";

    /// <summary>Its only key.</summary>
    public static readonly ResourceKey DefaultKey = new(ResourceKind.MeshConfig, "", DefaultName);

    /// <summary>Name in every SPIFFE ID. <value>Default <c>cluster.local</c>.</value></summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary><c>mtls.mode</c>. <value>Default <see cref="MtlsMode.Permissive"/>.</value></summary>
    public MtlsMode Mtls { get; init; }

    /// <summary><c>mtls.certificateLifetime</c>. <value>Default 24 h; 10 s to 90 days.</value></summary>
    public TimeSpan CertificateLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Networks inside which an unknown address is never called in plaintext.</summary>
    public ImmutableArray<IPNetwork> ClusterNetworks { get; init; } = [];

    /// <summary><c>accessLog.mode</c>. <value>Default <see cref="AccessLogMode.Failures"/>.</value></summary>
    public AccessLogMode AccessLog { get; init; }

    /// <summary><c>tracing</c>.</summary>
    public TracingConfig Tracing { get; init; } = new();

    /// <summary><c>egress</c>.</summary>
    public EgressConfig Egress { get; init; } = new();

    /// <summary><c>timeouts.connect</c>: for Services whose policy says none. <value>Null: 1 s. 1 ms to 1 min.</value></summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary><c>timeouts.request</c>: where neither rule nor policy says one. <value>Null: 60 s to the response's headers; zero: none.</value></summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary><c>timeouts.backendRequest</c>: for rules that say none. <value>Null or zero: none.</value></summary>
    public TimeSpan? BackendRequestTimeout { get; init; }

    /// <summary><c>retry</c>: for rules without one of their own, which replaces it as a whole.</summary>
    public RetryConfig Retry { get; init; } = RetryConfig.Default;
}
