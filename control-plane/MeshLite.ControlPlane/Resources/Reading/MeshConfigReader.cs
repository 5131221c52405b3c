using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <see cref="MeshConfigResource"/>. Pure.</summary>
internal static class MeshConfigReader
{
    private const int MaxNetworks = 64;
    private const int MaxHosts = 1024;

    private static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(90);

    /// <summary>Reads what follows the metadata.</summary>
    public static Resource? Read(FieldReader document, ResourceHead head) =>
        document.RequiredObject("spec", spec =>
        {
            var byDefault = new MeshConfigResource { Key = head.Key, Origin = head.Origin };
            var mtls = spec.Object("mtls", m => new Mtls(m.OneOf<MtlsMode>("mode"), m.Duration("certificateLifetime", MinLifetime, MaxLifetime)));
            var timeouts = spec.Object("timeouts", TimeoutsReader.ReadOfMesh);
            spec.Unsupported("opaquePorts");
            return byDefault with
            {
                TrustDomain = spec.Text("trustDomain", Check.TrustDomain) ?? byDefault.TrustDomain,
                Mtls = mtls?.Mode ?? byDefault.Mtls,
                CertificateLifetime = mtls?.Lifetime ?? byDefault.CertificateLifetime,
                ClusterNetworks = ReadNetworks(spec),
                AccessLog = spec.Object("accessLog", ReadAccessLog)?.Mode ?? byDefault.AccessLog,
                Tracing = spec.Object("tracing", ReadTracing) ?? byDefault.Tracing,
                Egress = spec.Object("egress", ReadEgress) ?? byDefault.Egress,
                ConnectTimeout = timeouts?.Connect,
                RequestTimeout = timeouts?.Request,
                BackendRequestTimeout = timeouts?.BackendRequest,
                Retry = spec.Object("retry", RetryReader.Read) ?? byDefault.Retry,
            };
        });

    private static ImmutableArray<IPNetwork> ReadNetworks(FieldReader spec) =>
        [.. spec.Texts("clusterNetworks", MaxNetworks, Check.Network).Select(text => IPNetwork.Parse(text))];

    private static EgressConfig ReadEgress(FieldReader egress) =>
        new() { Mode = egress.OneOf<EgressMode>("mode") ?? default, Allow = egress.Texts("allow", MaxHosts, Check.OutsideHost) };

    private static AccessLog ReadAccessLog(FieldReader log) => new(log.OneOf<AccessLogMode>("mode"));

    private static TracingConfig ReadTracing(FieldReader tracing)
    {
        var byDefault = new TracingConfig();
        return new TracingConfig
        {
            Endpoint = tracing.Text("endpoint", Check.CollectorUrl) is { } endpoint ? new Uri(endpoint) : null,
            Protocol = tracing.OneOf<OtlpProtocol>("protocol") ?? byDefault.Protocol,
            SamplingPercent = tracing.Number("samplingPercent", 0, 100) ?? byDefault.SamplingPercent,
        };
    }

    private sealed record Mtls(MtlsMode? Mode, TimeSpan? Lifetime);

    private sealed record AccessLog(AccessLogMode? Mode);
}
