using System.Globalization;

namespace MeshLite.Metrics;

/// <summary>What <c>/metrics</c> can be written as.</summary>
public enum ExpositionFormat
{
    /// <summary>Prometheus text 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).</summary>
    Text,

    /// <summary>OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/).</summary>
    OpenMetrics,
}

/// <summary>Chooses a format for a scraper.</summary>
public static class ExpositionFormats
{
    /// <summary>The Content-Type to answer with.</summary>
    public static string ContentType(this ExpositionFormat format) => format == ExpositionFormat.OpenMetrics
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>
    /// By an Accept header (RFC 9110 §12.5.1): OpenMetrics where the caller names it and likes it at least as much as
    /// plain text, plain text otherwise: also for no header, wildcards, and what cannot be read.
    /// </summary>
    public static ExpositionFormat Negotiate(ReadOnlySpan<char> accept)
    {
        double openMetrics = 0;
        double text = 0;
        foreach (var range in accept.Split(','))
        {
            var entry = accept[range];
            var end = entry.IndexOf(';');
            var mediaType = (end < 0 ? entry : entry[..end]).Trim();
            var parameters = end < 0 ? default : entry[(end + 1)..];
            if (mediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase))
            {
                // 0.0.1 and 1.0.0 differ in nothing that is written here, so the version asked for does not matter.
                openMetrics = Math.Max(openMetrics, Quality(parameters));
            }
            else if (mediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase))
            {
                text = Math.Max(text, Quality(parameters));
            }
        }

        return openMetrics > 0 && openMetrics >= text ? ExpositionFormat.OpenMetrics : ExpositionFormat.Text;
    }

    private static double Quality(ReadOnlySpan<char> parameters)
    {
        foreach (var range in parameters.Split(';'))
        {
            var parameter = parameters[range].Trim();
            if (parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase))
            {
                return double.TryParse(parameter[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var q) ? Math.Min(q, 1) : 0;
            }
        }

        return 1;
    }
}
