namespace MeshLite.Metrics;

/// <summary>The kinds of metric family, as the exposition's <c>TYPE</c> line names them.</summary>
internal enum MetricType
{
    Counter,
    Gauge,
    Histogram,
}
