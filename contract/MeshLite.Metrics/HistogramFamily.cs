using System.Text;

namespace MeshLite.Metrics;

/// <summary>
/// Histograms of one name, all with the same buckets. Made by
/// <see cref="MetricRegistry.AddHistogram(string, string, FamilyOptions, ReadOnlySpan{string})"/>.
/// </summary>
public sealed class HistogramFamily : SeriesFamily<HistogramSeries>
{
    private readonly double[] _bounds;
    private readonly byte[][] _textLabels;
    private readonly byte[][] _openMetricsLabels;

    internal HistogramFamily(string name, string help, ReadOnlySpan<string> labelNames, FamilyOptions? options, TimeProvider timeProvider)
        : base(MetricType.Histogram, name, help, labelNames, options, timeProvider)
    {
        _bounds = HistogramBuckets.Checked((options ?? new FamilyOptions()).Buckets);
        // OpenMetrics §6.2.2: bounds are canonical floats ("1.0"); the text format customarily writes "1".
        _textLabels = Labels(_bounds, canonical: false);
        _openMetricsLabels = Labels(_bounds, canonical: true);
    }

    internal ReadOnlySpan<double> Bounds => _bounds;

    private protected override HistogramSeries Create(string[] labelValues) => new(this, _bounds, labelValues);

    private protected override void WriteSeries(ref ExpositionWriter writer, HistogramSeries series, ReadOnlySpan<byte> labels)
    {
        var le = writer.Format == ExpositionFormat.OpenMetrics ? _openMetricsLabels : _textLabels;
        var exemplars = writer.Format == ExpositionFormat.OpenMetrics ? series.CopyExemplars() : null;
        Span<long> buckets = _bounds.Length < 64 ? stackalloc long[_bounds.Length + 1] : new long[_bounds.Length + 1];
        var sum = series.Read(buckets);

        // _count is made of the very buckets written, so that it always equals the +Inf bucket.
        long count = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            count += buckets[i];
            writer.Bucket(NameBytes, labels, le[i], count, exemplars?[i]);
        }

        writer.Sample(NameBytes, "_sum"u8, labels, sum);
        writer.Sample(NameBytes, "_count"u8, labels, count);
    }

    private static byte[][] Labels(double[] bounds, bool canonical)
    {
        var labels = new byte[bounds.Length + 1][];
        for (var i = 0; i < bounds.Length; i++)
        {
            var text = bounds[i].ToString("R");
            labels[i] = Encoding.ASCII.GetBytes(canonical && text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text);
        }

        labels[^1] = "+Inf"u8.ToArray();
        return labels;
    }
}
