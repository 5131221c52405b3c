namespace MeshLite.Metrics;

/// <summary>
/// Checks names where a family is registered, so that nothing this library writes is refused by Prometheus or frowned
/// upon by <c>promtool check metrics</c> (https://prometheus.io/docs/concepts/data_model/, OpenMetrics 1.0 §4).
/// </summary>
internal static class MetricNames
{
    private static readonly string[] Reserved = ["_count", "_sum", "_bucket", "_created", "_info"];

    private static readonly string[] Units = ["seconds", "bytes", "ratio", "celsius", "meters", "volts", "amperes", "joules", "grams"];

    public static void Check(MetricType type, string name, string help, ReadOnlySpan<string> labelNames)
    {
        if (!IsName(name, colons: true))
        {
            throw new ArgumentException($"'{name}' is not a metric name.", nameof(name));
        }

        if (string.IsNullOrWhiteSpace(help))
        {
            throw new ArgumentException($"Metric '{name}' needs a help text.", nameof(help));
        }

        if (name.EndsWith("_total", StringComparison.Ordinal) != (type == MetricType.Counter))
        {
            throw new ArgumentException($"'{name}': counters, and only counters, end in _total.", nameof(name));
        }

        foreach (var suffix in Reserved)
        {
            // A gauge named x_info is the customary way to expose constants; the other suffixes are made by histograms.
            if (name.EndsWith(suffix, StringComparison.Ordinal) && !(suffix == "_info" && type == MetricType.Gauge))
            {
                throw new ArgumentException($"'{name}' ends in the reserved suffix {suffix}.", nameof(name));
            }
        }

        for (var i = 0; i < labelNames.Length; i++)
        {
            var label = labelNames[i];
            if (!IsName(label, colons: false) || label.StartsWith("__", StringComparison.Ordinal) || label is "le" or "quantile"
                || labelNames[..i].Contains(label))
            {
                throw new ArgumentException($"'{label}' of metric '{name}' is not a usable label name, or is there twice.", nameof(labelNames));
            }
        }
    }

    /// <summary>The unit a name carries as its last part; OpenMetrics says it again in a <c>UNIT</c> line. Empty: none.</summary>
    public static string UnitOf(string familyName)
    {
        foreach (var unit in Units)
        {
            if (familyName.Length > unit.Length && familyName.EndsWith(unit, StringComparison.Ordinal) && familyName[^(unit.Length + 1)] == '_')
            {
                return unit;
            }
        }

        return "";
    }

    private static bool IsName(string name, bool colons)
    {
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            if (!(char.IsAsciiLetter(c) || c == '_' || (c == ':' && colons) || (i > 0 && char.IsAsciiDigit(c))))
            {
                return false;
            }
        }

        return name.Length > 0;
    }
}
