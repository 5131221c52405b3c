using MeshLite.Collector;

namespace MeshLite.TestKit.Otlp;

/// <summary>Waiting for a collector.</summary>
public static class CollectedSpans
{
    /// <summary>Once so many spans are there, all of them.</summary>
    public static async Task<IReadOnlyList<ReceivedSpan>> SpansAsync(this OtlpReceiver collector, int count)
    {
        await Eventually.TrueAsync(() => collector.Spans.Count >= count, $"{count} spans at the collector");
        return [.. collector.Spans];
    }
}
