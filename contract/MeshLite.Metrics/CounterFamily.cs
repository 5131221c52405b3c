namespace MeshLite.Metrics;

/// <summary>Counters of one name. Made by <see cref="MetricRegistry.AddCounter(string, string, ReadOnlySpan{string})"/>.</summary>
public sealed class CounterFamily : SeriesFamily<CounterSeries>
{
    internal CounterFamily(string name, string help, ReadOnlySpan<string> labelNames, FamilyOptions? options, TimeProvider timeProvider)
        : base(MetricType.Counter, name, help, labelNames, options, timeProvider)
    {
    }

    private protected override CounterSeries Create(string[] labelValues) => new(this, labelValues);

    private protected override void WriteSeries(ref ExpositionWriter writer, CounterSeries series, ReadOnlySpan<byte> labels) =>
        series.Write(ref writer, NameBytes, labels);
}
