using System.Globalization;
using System.Text;

namespace MeshLite.Bench.Results;

/// <summary>The table of one case on standard output.</summary>
internal static class ConsoleTable
{
    public static string Of(CaseResult result)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{"",-10}{"CPU µs/request",16}{"(spread)",18}{"requests/s",12}{"p50 ms",9}{"p99 ms",9}{"p99.9 ms",10}{"private MB",12}");
        foreach (var (name, proxy) in result.Proxies)
        {
            var spread = $"{proxy.CpuMicrosPerRequestSpread[0]:0.0}-{proxy.CpuMicrosPerRequestSpread[1]:0.0}";
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{name,-10}{proxy.CpuMicrosPerRequest,16:0.0}{spread,18}{proxy.RequestsPerSecond,12:0}{proxy.P50Ms,9:0.00}{proxy.P99Ms,9:0.00}{proxy.P999Ms,10:0.00}{proxy.PrivateMb,12:0.0}   {proxy.Description}");
        }

        if (result.Proxies.TryGetValue("meshlite", out var meshlite))
        {
            foreach (var (name, proxy) in result.Proxies.Where(p => p.Key is not ("meshlite" or "none")))
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"meshlite / {name}: CPU per request {meshlite.CpuMicrosPerRequest / proxy.CpuMicrosPerRequest:0.00}, p99 {meshlite.P99Ms / proxy.P99Ms:0.00}");
            }
        }

        return text.ToString();
    }
}
