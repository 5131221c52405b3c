using MeshLite.Metrics;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// <c>meshlite_requests_total</c>, <c>meshlite_request_duration_seconds</c>, <c>meshlite_request_bytes</c> and
/// <c>meshlite_response_bytes</c>, all with all labels of design.md §3. One per sidecar; the pipelines call
/// <see cref="Record"/> once per request, from any thread: one lookup in a small table, interlocked updates, no allocation
/// once the labels have been seen, but for the exemplar of a request whose span is exported.
/// A histogram's series weighs fourteen or nineteen lines in the exposition, so those families hold fewer of them: beyond
/// <see cref="MaxHistogramSeries"/> observations go to the series <c>_other</c> while requests are still counted apart.
/// </summary>
internal sealed class RequestMetrics : IDisposable
{
    /// <summary>Most label combinations counted apart. <value>2,000.</value></summary>
    public const int MaxRequestSeries = 2000;

    /// <summary>Most label combinations with durations and sizes of their own. <value>500.</value></summary>
    public const int MaxHistogramSeries = 500;

    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(1);

    private static readonly string[] LabelNames =
    [
        "direction", "source_workload", "source_namespace", "destination_service", "destination_namespace", "destination_workload",
        "destination_version", "route", "method", "response_code", "grpc_status", "reason", "tls",
    ];

    private readonly CounterFamily _requests;
    private readonly HistogramFamily _durations;
    private readonly HistogramFamily _requestBytes;
    private readonly HistogramFamily _responseBytes;
    private readonly RequestSeriesCache _cache = new(MaxRequestSeries);
    private readonly ITimer _pruneTimer;

    public RequestMetrics(MetricRegistry registry, TimeProvider timeProvider)
    {
        _requests = registry.AddCounter(
            "meshlite_requests_total", "Requests that ended, by who called whom and how it went.", new FamilyOptions { MaxSeries = MaxRequestSeries }, LabelNames);
        _durations = registry.AddHistogram(
            "meshlite_request_duration_seconds", "From a request's arrival at the sidecar to the end of its response.", new FamilyOptions { MaxSeries = MaxHistogramSeries }, LabelNames);
        var sizes = new FamilyOptions { MaxSeries = MaxHistogramSeries, Buckets = HistogramBuckets.Sizes };
        _requestBytes = registry.AddHistogram("meshlite_request_bytes", "Body bytes of requests, as sent on.", sizes, LabelNames);
        _responseBytes = registry.AddHistogram("meshlite_response_bytes", "Body bytes of responses, as passed back.", sizes, LabelNames);
        _pruneTimer = timeProvider.CreateTimer(static cache => ((RequestSeriesCache)cache!).Prune(), _cache, PruneInterval, PruneInterval);
    }

    /// <summary>Counts a request that ended.</summary>
    public void Record(in RequestRecord record)
    {
        var hash = RequestSeries.HashOf(in record);
        var series = _cache.Find(in record, hash) ?? Resolve(in record, hash);
        series.Requests.Increment();
        series.Duration.Observe(record.Duration.TotalSeconds, new TraceExemplar(record.TraceId.High, record.TraceId.Low, record.ExportedSpan.Value));
        series.RequestBytes.Observe(record.RequestBytes);
        series.ResponseBytes.Observe(record.ResponseBytes);
    }

    /// <summary>Stops pruning.</summary>
    public void Dispose() => _pruneTimer.Dispose();

    private RequestSeries Resolve(in RequestRecord record, int hash)
    {
        ReadOnlySpan<string> values =
        [
            LabelText.Direction(record.Direction), record.SourceWorkload, record.SourceNamespace, record.DestinationService, record.DestinationNamespace,
            record.DestinationWorkload, record.DestinationVersion, record.Route, LabelText.Method(record.Method), LabelText.Status(record.Status),
            LabelText.GrpcStatus(record.GrpcStatus), record.Reason, LabelText.Flag(record.Tls),
        ];
        var series = new RequestSeries(in record, hash, _requests.Series(values), _durations.Series(values), _requestBytes.Series(values), _responseBytes.Series(values));
        _cache.Add(series);
        return series;
    }
}
