using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>
/// Prometheus has no certificate either: where <c>prometheus.io/scrape</c> leads it to the application, it is led to the sidecar, whose page holds the
/// application's as well. Pure.
/// </summary>
internal static class MetricsRewriter
{
    private const string Scrape = "prometheus.io/scrape";
    private const string Port = "prometheus.io/port";
    private const string Path = "prometheus.io/path";
    private const string Scheme = "prometheus.io/scheme";

    /// <summary>Rewrites the annotations in place; returns where the application's metrics are, <c>[https:]PORT/PATH</c>, or null: nowhere.</summary>
    public static string? Rewrite(JsonObject annotations, IEnumerable<JsonObject> containers, List<string> warnings)
    {
        if (annotations.Text(Scrape) != "true")
        {
            return null;
        }

        var declared = annotations.Text(Port) ?? containers.SelectMany(container => container.Objects("ports"))
            .FirstOrDefault(port => port.Text("protocol") is null or "TCP").Number("containerPort")?.ToString(CultureInfo.InvariantCulture);
        if (declared == SidecarContainers.TelemetryPort.ToString(CultureInfo.InvariantCulture))
        {
            return null; // meant for the sidecar
        }

        if (!ushort.TryParse(declared, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            warnings.Add(declared is null
                ? $"annotation {Scrape}: the pod names no port, by {Port} or in its containers; its metrics are not merged"
                : $"annotation {Port}: '{declared}' is not a port; the pod's metrics are not merged");
            return null;
        }

        var path = annotations.Text(Path) ?? "/metrics";
        var prefix = annotations.Text(Scheme) == "https" ? "https:" : "";
        annotations[Port] = SidecarContainers.TelemetryPort.ToString(CultureInfo.InvariantCulture);
        annotations[Path] = "/metrics";
        if (annotations.ContainsKey(Scheme))
        {
            annotations[Scheme] = "http";
        }

        return $"{prefix}{port}{(path.StartsWith('/') ? "" : "/")}{path}";
    }
}
