using System.Buffers;

namespace MeshLite.Metrics;

/// <summary>A family whose values are asked for when somebody scrapes. The callback runs on the scraper's thread.</summary>
internal sealed class CallbackFamily(MetricType type, string name, string help, ReadOnlySpan<string> labelNames, Action<CallbackSamples> callback)
    : MetricFamily(type, name, help, labelNames)
{
    internal override void Write(ref ExpositionWriter writer, ArrayBufferWriter<byte> scratch)
    {
        // The callback runs to its end before anything is written: one that throws leaves no half a family behind.
        var samples = new CallbackSamples(LabelNames.Length);
        callback(samples);

        writer.Header(this);
        for (var i = 0; i < samples.Count; i++)
        {
            scratch.ResetWrittenCount();
            ExpositionWriter.EncodeLabels(scratch, LabelNames, samples.LabelValues(i));
            writer.Sample(NameBytes, default, scratch.WrittenSpan, samples.Value(i));
        }
    }
}

/// <summary>Where a callback puts what it read; valid during the callback only.</summary>
public sealed class CallbackSamples
{
    private readonly int _labelCount;
    private readonly List<double> _values = [];
    private readonly List<string> _labelValues = [];

    internal CallbackSamples(int labelCount) => _labelCount = labelCount;

    /// <summary>One series; label values in the order of the names. The same values twice in one callback are refused.</summary>
    public void Add(double value, params ReadOnlySpan<string> labelValues)
    {
        if (labelValues.Length != _labelCount)
        {
            throw new ArgumentException($"{_labelCount} label values are needed, not {labelValues.Length}.", nameof(labelValues));
        }

        for (var i = 0; i < _values.Count; i++)
        {
            if (LabelValues(i).SequenceEqual(labelValues))
            {
                throw new ArgumentException($"Series '{string.Join(',', labelValues)}' is there twice.", nameof(labelValues));
            }
        }

        _values.Add(value);
        _labelValues.AddRange(labelValues);
    }

    internal int Count => _values.Count;

    internal double Value(int index) => _values[index];

    internal ReadOnlySpan<string> LabelValues(int index) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_labelValues).Slice(index * _labelCount, _labelCount);
}
