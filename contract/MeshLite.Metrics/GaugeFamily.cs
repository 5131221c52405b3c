namespace MeshLite.Metrics;

/// <summary>Gauges of one name. Made by <see cref="MetricRegistry.AddGauge(string, string, ReadOnlySpan{string})"/>.</summary>
public sealed class GaugeFamily : SeriesFamily<GaugeSeries>
{
    internal GaugeFamily(string name, string help, ReadOnlySpan<string> labelNames, FamilyOptions? options, TimeProvider timeProvider)
        : base(MetricType.Gauge, name, help, labelNames, options, timeProvider)
    {
    }

    private protected override GaugeSeries Create(string[] labelValues) => new(this, labelValues);

    private protected override void WriteSeries(ref ExpositionWriter writer, GaugeSeries series, ReadOnlySpan<byte> labels) =>
        writer.Sample(NameBytes, default, labels, series.Value);

    internal void Remove(GaugeSeries series) => Unlist(series);
}
