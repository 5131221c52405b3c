using System.Collections.Immutable;
using System.Net;

namespace MeshLite.Model;

/// <summary>What holds for the whole mesh; resource <c>mesh</c> of the stream. Immutable.</summary>
public sealed record MeshSettingsConfig
{
    /// <summary>Name in every SPIFFE ID. <value>Default <c>cluster.local</c>.</value></summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Root certificates (DER); several while a root is being rotated.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> TrustBundle { get; init; } = [];

    /// <summary>Which key signs certificates now (authority key identifier). <value>Empty: nobody says.</value></summary>
    public ReadOnlyMemory<byte> SigningKeyId { get; init; }

    /// <summary>The cluster's networks: an address inside that nobody knows is never called in plaintext.</summary>
    public ImmutableArray<IPNetwork> ClusterNetworks { get; init; } = [];

    /// <summary>Which requests are logged. <value>Default <see cref="AccessLogMode.Failures"/>.</value></summary>
    public AccessLogMode AccessLog { get; init; }

    /// <summary>Where spans go, and how many.</summary>
    public TracingConfig Tracing { get; init; } = new();

    /// <summary>Which calls to what is not in the mesh are allowed.</summary>
    public EgressConfig Egress { get; init; } = new();
}

/// <summary>Export of spans by OTLP.</summary>
public sealed record TracingConfig
{
    /// <summary>The collector, <c>http://HOST:PORT</c>. <value>Null: nothing is exported.</value></summary>
    public Uri? Endpoint { get; init; }

    /// <summary>What it is spoken to in.</summary>
    public OtlpProtocol Protocol { get; init; }

    /// <summary>Share of traces that begin here and are sampled. <value>Default 1; 0 to 100.</value></summary>
    public double SamplingPercent { get; init; } = 1;
}

/// <summary>How OTLP travels (OpenTelemetry protocol specification).</summary>
public enum OtlpProtocol
{
    /// <summary>gRPC, usually port 4317.</summary>
    Grpc,

    /// <summary>Protobuf over HTTP/1.1, POST to <c>/v1/traces</c>, usually port 4318.</summary>
    HttpProtobuf,
}

/// <summary>Which requests get a line in the access log.</summary>
public enum AccessLogMode
{
    /// <summary>Failed requests (5xx, mesh errors, gRPC errors).</summary>
    Failures,

    /// <summary>Every request.</summary>
    All,

    /// <summary>None.</summary>
    Off,
}

/// <summary>What holds for the receiving workload itself; resource <c>workload</c>. Immutable.</summary>
public sealed record WorkloadConfig
{
    /// <summary>The identity the control plane holds this workload to be.</summary>
    public required SpiffeId Identity { get; init; }

    /// <summary>Whether plaintext is accepted inbound. <value>Default <see cref="MtlsMode.Permissive"/>.</value></summary>
    public MtlsMode Mtls { get; init; }

    /// <summary>The service served, if any: names this workload in metrics.</summary>
    public ServiceRef? Service { get; init; }

    /// <summary>Name of the workload instance.</summary>
    public string Workload { get; init; } = "";

    /// <summary>Its <c>version</c> label.</summary>
    public string Version { get; init; } = "";

    /// <summary>Ports of the application on which plaintext is bytes, whatever it looks like; sorted.</summary>
    public ImmutableArray<int> OpaquePorts { get; init; } = [];

    /// <summary>Requests its application is given at once. <value>Default 1,024; 1 to 1,000,000.</value></summary>
    public int MaxRequests { get; init; } = 1024;

    /// <summary>How many requests each caller may begin: the first entry that matches the caller holds. <value>Empty: any number.</value></summary>
    public ImmutableArray<CallerRateLimitConfig> RateLimits { get; init; } = [];

    /// <summary>Who may call: every policy that selects this workload. <value>Empty: everybody.</value></summary>
    public ImmutableArray<AuthorizationPolicyConfig> Authorization { get; init; } = [];
}

/// <summary>What an inbound listener accepts.</summary>
public enum MtlsMode
{
    /// <summary>mTLS and plaintext.</summary>
    Permissive,

    /// <summary>Only mTLS of a verified peer.</summary>
    Strict,
}
