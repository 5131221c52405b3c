using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using MeshLite.Model;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <summary>
/// Contract ↔ model, one file a resource. <c>FromProto</c> checks everything a reader relies on and throws
/// <see cref="FormatException"/> naming the field; <c>ToProto</c> of a checked config loses nothing. Pure.
/// </summary>
public static partial class MeshMapper
{
    private const int DefaultMaxRequests = 1024;

    // Usually the 20 bytes of a SHA-1, but RFC 5280 leaves it to who makes it.
    private const int MaxKeyId = 64;

    /// <summary>Resource <c>mesh</c>.</summary>
    public static MeshSettingsConfig FromProto(Proto.Mesh mesh) => new()
    {
        TrustDomain = SpiffeId.IsTrustDomain(mesh.TrustDomain)
            ? mesh.TrustDomain : throw Field.Bad("mesh.trust_domain", $"'{mesh.TrustDomain}' is no trust domain (SPIFFE-ID §2.1)"),
        TrustBundle = [.. mesh.TrustBundle.Select((root, i) => Certificate(root, $"mesh.trust_bundle[{i}]"))],
        ClusterNetworks = [.. mesh.ClusterNetworks.Select((cidr, i) => IPNetwork.TryParse(cidr, out var network)
            ? network : throw Field.Bad($"mesh.cluster_networks[{i}]", $"'{cidr}' is no network (CIDR)"))],
        AccessLog = Field.Enum<AccessLogMode>(mesh.AccessLog, "mesh.access_log"),
        Tracing = mesh.Tracing is { } tracing ? FromProto(tracing) : new(),
        Egress = mesh.Egress is { } egress ? FromProto(egress) : new(),
        SigningKeyId = mesh.SigningKeyId.Length <= MaxKeyId ? mesh.SigningKeyId.Memory : throw Field.Bad("mesh.signing_key_id", $"{mesh.SigningKeyId.Length} bytes are no key identifier"),
    };

    /// <inheritdoc cref="FromProto(Proto.Mesh)"/>
    public static Proto.Mesh ToProto(MeshSettingsConfig mesh) => new()
    {
        TrustDomain = mesh.TrustDomain,
        TrustBundle = { mesh.TrustBundle.Select(root => ByteString.CopyFrom(root.Span)) },
        ClusterNetworks = { mesh.ClusterNetworks.Select(n => n.ToString()) },
        AccessLog = (Proto.AccessLogMode)mesh.AccessLog,
        Tracing = mesh.Tracing == new TracingConfig() ? null : ToProto(mesh.Tracing),
        Egress = mesh.Egress is { Mode: EgressMode.Allow, Allow.IsEmpty: true } ? null : ToProto(mesh.Egress),
        SigningKeyId = ByteString.CopyFrom(mesh.SigningKeyId.Span),
    };

    /// <summary>Resource <c>workload</c>.</summary>
    public static WorkloadConfig FromProto(Proto.Workload workload) => new()
    {
        Identity = Field.SpiffeId(workload.SpiffeId, "workload.spiffe_id"),
        Mtls = Field.Enum<MtlsMode>(workload.Mtls, "workload.mtls"),
        Service = workload.Service is { } service ? FromProto(service, "workload.service", optionalPort: true) : null,
        Workload = workload.Workload_,
        Version = workload.Version,
        MaxRequests = workload.MaxRequests == 0 ? DefaultMaxRequests : Field.Count(workload.MaxRequests, 1, "workload.max_requests"),
        OpaquePorts = [.. workload.OpaquePorts.Select((port, i) => Field.Port(port, $"workload.opaque_ports[{i}]"))],
        RateLimits = [.. workload.RateLimits.Select((limit, i) => FromProto(limit, $"workload.rate_limits[{i}]"))],
        Authorization = [.. workload.Authorization.Select(FromProto)],
    };

    /// <inheritdoc cref="FromProto(Proto.Workload)"/>
    public static Proto.Workload ToProto(WorkloadConfig workload) => new()
    {
        SpiffeId = workload.Identity.ToString(),
        Mtls = (Proto.MtlsMode)workload.Mtls,
        Service = workload.Service is { } service ? ToProto(service) : null,
        Workload_ = workload.Workload,
        Version = workload.Version,
        MaxRequests = workload.MaxRequests == DefaultMaxRequests ? 0 : (uint)workload.MaxRequests,
        OpaquePorts = { workload.OpaquePorts.Select(port => (uint)port) },
        RateLimits = { workload.RateLimits.Select(ToProto) },
        Authorization = { workload.Authorization.Select(ToProto) },
    };

    /// <summary>One port of a service.</summary>
    public static Proto.ServiceRef ToProto(ServiceRef service) =>
        new() { Namespace = service.Namespace, Name = service.Name, Port = (uint)service.Port };

    private static TracingConfig FromProto(Proto.Tracing tracing) => new()
    {
        Endpoint = tracing.Endpoint.Length == 0 ? null
            : Uri.TryCreate(tracing.Endpoint, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https" ? endpoint
            : throw Field.Bad("mesh.tracing.endpoint", $"'{tracing.Endpoint}' is no http(s) URL"),
        Protocol = Field.Enum<OtlpProtocol>(tracing.Protocol, "mesh.tracing.protocol"),
        SamplingPercent = Field.Percent(tracing.SamplingPercent, "mesh.tracing.sampling_percent"),
    };

    private static Proto.Tracing ToProto(TracingConfig tracing) => new()
    {
        Endpoint = tracing.Endpoint?.OriginalString ?? "",
        Protocol = (Proto.Tracing.Types.Protocol)tracing.Protocol,
        SamplingPercent = tracing.SamplingPercent,
    };

    private static CallerRateLimitConfig FromProto(Proto.CallerRateLimit limit, string field) => new(
        [.. limit.Principals],
        FromProto(limit.Limit ?? throw Field.Bad($"{field}.limit", "missing"), $"{field}.limit"));

    private static Proto.CallerRateLimit ToProto(CallerRateLimitConfig limit) => new() { Principals = { limit.Principals }, Limit = ToProto(limit.Limit) };

    private static ServiceRef FromProto(Proto.ServiceRef service, string field, bool optionalPort = false) => new(
        Field.Segment(service.Namespace, $"{field}.namespace"),
        Field.Segment(service.Name, $"{field}.name"),
        Field.Port(service.Port, $"{field}.port", optionalPort));

    private static ImmutableSortedDictionary<string, string> Labels(IEnumerable<KeyValuePair<string, string>> labels) =>
        labels.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private static ReadOnlyMemory<byte> Certificate(ByteString der, string field)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            return der.Memory;
        }
        catch (CryptographicException e)
        {
            throw new FormatException($"{field}: no DER certificate: {e.Message}", e);
        }
    }
}
