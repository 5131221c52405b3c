namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Samples a share of the traces that begin here, by the trace's id, as OpenTelemetry's TraceIdRatioBased does
/// (https://opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased): the upper 63 bits of the id's lower half, below
/// ratio · 2^63. The lower half, because it is the random one of ids that have only 64 bits. Immutable.
/// </summary>
internal readonly struct RatioSampler
{
    private readonly ulong _bound;

    /// <param name="percent">0 to 100.</param>
    public RatioSampler(double percent) => _bound = percent >= 100 ? 1UL << 63 : (ulong)(Math.Max(percent, 0) / 100 * (1UL << 63));

    /// <summary>Whether a trace of this id is recorded; the same everywhere the share is the same.</summary>
    public bool IsSampled(TraceId id) => id.Low >> 1 < _bound;
}
