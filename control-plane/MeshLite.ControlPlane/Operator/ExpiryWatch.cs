using MeshLite.ControlPlane.Identity;
using MeshLite.Metrics;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Operator;

/// <summary>
/// Says long before that a certificate of the control plane's own ends: as metrics, and once a day in the log. Readiness is none of its business: until the end
/// everything works. One loop; the metrics are read by anyone.
/// </summary>
internal sealed class ExpiryWatch(IdentityModule identity, TimeProvider time, ILogger<ExpiryWatch> logger)
{
    /// <value>Between looks: lives may be short. 1 min.</value>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <value>Between two warnings of one certificate. 24 h.</value>
    private static readonly TimeSpan WarnInterval = TimeSpan.FromHours(24);

    private readonly Dictionary<(OwnCertificateKind, string), long> _warned = [];

    /// <summary>Registers the series; labels are as many as there are roots, plus two.</summary>
    public void Register(MetricRegistry registry)
    {
        string[] labels = ["kind", "name"];
        registry.AddGaugeCallback(
            "meshlite_control_plane_certificate_expiry_seconds", "Seconds until a certificate of the control plane's own ends: issuer, root, server; negative: it has.", labels,
            samples => Add(samples, c => (c.EndsAt - time.GetUtcNow()).TotalSeconds));
        registry.AddGaugeCallback(
            "meshlite_control_plane_certificate_lifetime_seconds", "How long it lives altogether.", labels,
            samples => Add(samples, c => (c.EndsAt - SvidProfile.IssuedAt(c.BeginsAt, c.EndsAt)).TotalSeconds));
        registry.AddGaugeCallback("meshlite_join_token_key_age_seconds", "Seconds since the key of join tokens was made; none in a cluster.", [], samples =>
        {
            if (identity.TokenKeyMadeAt is { } made)
            {
                samples.Add((time.GetUtcNow() - made).TotalSeconds);
            }
        });
    }

    /// <summary>Looks until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            Look();
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Warns of what is near its end.</summary>
    internal void Look()
    {
        var near = identity.Certificates().Where(c => ExpiryMargin.IsNear(c.BeginsAt, c.EndsAt, time.GetUtcNow())).DistinctBy(KeyOf).ToList();
        foreach (var gone in _warned.Keys.Except(near.Select(KeyOf)).ToList())
        {
            _warned.Remove(gone);
        }

        foreach (var certificate in near)
        {
            if (!_warned.TryGetValue(KeyOf(certificate), out var at) || time.GetElapsedTime(at) >= WarnInterval)
            {
                _warned[KeyOf(certificate)] = time.GetTimestamp();
                var (what, advice) = Describe(certificate.Kind);
                OperatorLog.ExpiryNear(logger, what, certificate.Name, certificate.EndsAt.UtcDateTime, advice);
            }
        }
    }

    private static (OwnCertificateKind, string) KeyOf(OwnCertificate certificate) => (certificate.Kind, certificate.Certificate.Thumbprint);

    private static (string What, string Advice) Describe(OwnCertificateKind kind) => kind switch
    {
        OwnCertificateKind.Issuer => ("The signing certificate", "exchange it before then, no certificate it signs outlives it"),
        OwnCertificateKind.Root => ("The root", "rotate it before then, all certificates under it end with it"),
        _ => ("The control plane's own certificate", "it is made anew by itself but cannot outlive its issuer"),
    };

    private void Add(CallbackSamples samples, Func<OwnCertificate, double> value)
    {
        // Two roots may have one name; the one that ends first is told.
        foreach (var certificate in identity.Certificates().OrderBy(c => c.EndsAt).DistinctBy(c => (c.Kind, c.Name)))
        {
            samples.Add(value(certificate), certificate.Kind.ToString().ToLowerInvariant(), certificate.Name);
        }
    }
}
