using MeshLite.Cli.Operator;
using MeshLite.Protocol.V1;

namespace MeshLite.Cli.Status;

/// <summary>The sidecars connected, one a line. Pure but for the writer.</summary>
internal static class SidecarView
{
    /// <summary>For people.</summary>
    public static void WriteText(TextWriter output, MeshReport report, DateTimeOffset now)
    {
        if (report.Sidecars.Count == 0)
        {
            output.WriteLine("no sidecar is connected");
            return;
        }

        List<string[]> rows = [["NAMESPACE", "WORKLOAD", "SERVICE", "VERSION", "MTLS", "CERTIFICATE", "CONFIGURATION", "CONNECTED"]];
        rows.AddRange(report.Sidecars.Select(s => (string[])
        [
            MeshReport.NamespaceOf(s), s.Workload, s.Service.Length > 0 ? s.Service : "-", s.Version.Length > 0 ? s.Version : "?", s.Mtls,
            $"{Text.Span(DateTimeOffset.FromUnixTimeSeconds(s.CertificateEndsAt) - now)} left", Configuration(s), Text.Span(now - DateTimeOffset.FromUnixTimeSeconds(s.ConnectedAt)),
        ]));
        Text.WriteTable(output, rows);
        foreach (var sidecar in report.Sidecars.Where(s => s.Refused.Count > 0))
        {
            output.WriteLine(Text.Clean($"{MeshReport.NamespaceOf(sidecar)}/{sidecar.Workload} refused {string.Join("; ", sidecar.Refused)}"));
        }
    }

    /// <summary>For programs.</summary>
    public static void WriteJson(TextWriter output, MeshReport report) => OutputFormat.WriteJson(output, new
    {
        Replicas = report.Replicas.Select(r => new { r.Replica, r.State.Version }),
        Unheard = report.Unheard.Select(u => new { u.Address, u.Problem }),
        Sidecars = report.Sidecars.Select(s => new
        {
            s.SpiffeId, Namespace = MeshReport.NamespaceOf(s), s.Workload, s.Service, s.Version, s.Mtls, CertificateEndsAt = DateTimeOffset.FromUnixTimeSeconds(s.CertificateEndsAt),
            s.Current, s.Refused, ConnectedAt = DateTimeOffset.FromUnixTimeSeconds(s.ConnectedAt),
        }),
    });

    private static string Configuration(SidecarState sidecar) => sidecar.Refused.Count > 0 ? "refused" : sidecar.Current ? "current" : "behind";
}
