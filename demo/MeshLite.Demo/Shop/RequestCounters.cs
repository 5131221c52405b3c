using System.Globalization;
using MeshLite.Processes.Mesh;

namespace MeshLite.Demo.Shop;

/// <summary><c>meshlite_requests_total</c> of one sidecar, summed, as Prometheus would scrape it. Immutable.</summary>
/// <param name="Inbound">Received.</param>
/// <param name="Outbound">Sent.</param>
/// <param name="Tls">Of both, those that went over mutual TLS.</param>
internal readonly record struct RequestCounters(long Inbound, long Outbound, long Tls)
{
    public static async Task<RequestCounters> ScrapeAsync(HttpClient http, SidecarProcess sidecar)
    {
        var (inbound, outbound, tls) = (0L, 0L, 0L);
        foreach (var line in (await http.GetStringAsync($"http://{sidecar.Telemetry}/metrics")).Split('\n'))
        {
            if (!line.StartsWith("meshlite_requests_total{", StringComparison.Ordinal))
            {
                continue;
            }

            var value = (long)double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
            inbound += line.Contains("direction=\"inbound\"", StringComparison.Ordinal) ? value : 0;
            outbound += line.Contains("direction=\"outbound\"", StringComparison.Ordinal) ? value : 0;
            tls += line.Contains("tls=\"true\"", StringComparison.Ordinal) ? value : 0;
        }

        return new RequestCounters(inbound, outbound, tls);
    }

    /// <summary>All sidecars' by name.</summary>
    public static async Task<Dictionary<string, RequestCounters>> ScrapeAsync(ShopMesh shop)
    {
        var counters = new Dictionary<string, RequestCounters>(StringComparer.Ordinal);
        foreach (var sidecar in shop.Sidecars)
        {
            counters[sidecar.Spec.Name] = await ScrapeAsync(shop.Direct, sidecar);
        }

        return counters;
    }

    public static RequestCounters operator -(RequestCounters after, RequestCounters before) =>
        new(after.Inbound - before.Inbound, after.Outbound - before.Outbound, after.Tls - before.Tls);
}
