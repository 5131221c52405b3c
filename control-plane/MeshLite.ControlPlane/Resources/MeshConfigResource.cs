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
}
