using System.Collections.Concurrent;
using MeshLite.Bench.Results;

namespace MeshLite.Bench.Scale.Measure;

/// <summary>Latencies as they come, from any thread.</summary>
internal sealed class LatencyLog
{
    private readonly ConcurrentQueue<TimeSpan> _values = new();

    public void Add(TimeSpan value) => _values.Enqueue(value);

    public LatencyFigures Figures()
    {
        var latencies = new Latencies(_values);
        return new LatencyFigures(latencies.Count, Milliseconds(50), Milliseconds(99), Milliseconds(100));

        double Milliseconds(double percent) => Math.Round(latencies.Percentile(percent).TotalMilliseconds, 1);
    }
}
