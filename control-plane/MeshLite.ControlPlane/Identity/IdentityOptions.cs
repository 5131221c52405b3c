using System.Net;

namespace MeshLite.ControlPlane.Identity;

/// <summary>What the process's options say about identity. Immutable.</summary>
public sealed record IdentityOptions
{
    /// <summary>Where CA and join-token key live (<c>--data-dir</c>); empty in a cluster, which has a Secret and service accounts.</summary>
    public string DataDirectory { get; init; } = "";

    /// <summary>Further names and addresses at which the control plane is reached (<c>--san</c>).</summary>
    public IReadOnlyList<string> SubjectNames { get; init; } = [];

    /// <summary>Addresses its listeners are bound to; a wildcard stands for all addresses of the machine.</summary>
    public IReadOnlyList<IPAddress> ListenAddresses { get; init; } = [];
}

/// <summary>What MeshConfig says about identity. Immutable, replaced whole by <see cref="IdentityModule.Apply"/>.</summary>
public sealed record IdentitySettings
{
    /// <summary>Shortest <see cref="CertificateLifetime"/>.</summary>
    public static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(10);

    /// <summary>Longest <see cref="CertificateLifetime"/>.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(90);

    /// <summary>Name in every SPIFFE ID (<c>trustDomain</c>). <value>Default <c>cluster.local</c>.</value></summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Life of a workload's certificate (<c>mtls.certificateLifetime</c>). <value>Default 24 h, 10 s to 90 d; values outside are brought inside.</value></summary>
    public TimeSpan CertificateLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary><see cref="CertificateLifetime"/> within its range.</summary>
    internal TimeSpan ClampedLifetime =>
        CertificateLifetime < MinLifetime ? MinLifetime : CertificateLifetime > MaxLifetime ? MaxLifetime : CertificateLifetime;
}
