using BenchmarkDotNet.Attributes;
using MeshLite.Metrics;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Benchmarks;

/// <summary>A request that ended, into its four series, which are known already.</summary>
public class RecordBenchmarks
{
    private MetricRegistry _registry = null!;
    private RequestMetrics _metrics = null!;
    private RequestRecord[] _records = [];
    private int _next;

    /// <summary>How many label combinations the requests have, in turn. 500: as many as have durations of their own.</summary>
    [Params(1, 500)]
    public int Series { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _registry = new MetricRegistry(TimeProvider.System);
        _metrics = new RequestMetrics(_registry, TimeProvider.System);
        _records =
        [
            .. Enumerable.Range(0, Series).Select(i => new RequestRecord
            {
                Direction = Direction.Outbound,
                SourceWorkload = "frontend-5d8f7c9b4-x2x7q",
                SourceNamespace = "shop",
                DestinationService = "orders",
                DestinationNamespace = "shop",
                DestinationWorkload = $"orders-{i}",
                DestinationVersion = "v1",
                Route = "orders/everyone",
                Method = "GET",
                Status = 200,
                Tls = true,
                Duration = TimeSpan.FromMicroseconds(700 + i),
                ResponseBytes = 100,
            }),
        ];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _metrics.Dispose();
        _registry.Dispose();
    }

    [Benchmark]
    public void Record()
    {
        _next = _next + 1 < _records.Length ? _next + 1 : 0;
        _metrics.Record(in _records[_next]);
    }
}
