using System.Runtime.InteropServices;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// The series of one combination of labels, and the labels as a request record spells them: an entry of
/// <see cref="RequestSeriesCache"/>. Immutable.
/// </summary>
internal sealed class RequestSeries
{
    private readonly RequestRecord _labels;
    private readonly string _method;

    public RequestSeries(in RequestRecord record, int hash, CounterSeries requests, HistogramSeries duration, HistogramSeries requestBytes, HistogramSeries responseBytes)
    {
        // Only what is a label: the rest of the record must not be kept alive.
        _labels = new RequestRecord
        {
            Direction = record.Direction,
            SourceWorkload = record.SourceWorkload,
            SourceNamespace = record.SourceNamespace,
            DestinationService = record.DestinationService,
            DestinationNamespace = record.DestinationNamespace,
            DestinationWorkload = record.DestinationWorkload,
            DestinationVersion = record.DestinationVersion,
            Route = record.Route,
            Status = record.Status,
            GrpcStatus = record.GrpcStatus,
            Reason = record.Reason,
            Tls = record.Tls,
        };
        _method = LabelText.Method(record.Method);
        Hash = hash;
        Requests = requests;
        Duration = duration;
        RequestBytes = requestBytes;
        ResponseBytes = responseBytes;
    }

    public int Hash { get; }

    public CounterSeries Requests { get; }

    public HistogramSeries Duration { get; }

    public HistogramSeries RequestBytes { get; }

    public HistogramSeries ResponseBytes { get; }

    /// <summary>
    /// Cheap rather than good: lengths and last four characters, where names of one kind differ. Collisions cost
    /// comparisons only, and the cache is bounded.
    /// </summary>
    public static int HashOf(in RequestRecord record)
    {
        var hash = ((ulong)record.Direction << 40) | ((ulong)(uint)record.Status << 8) | ((ulong)(uint)(record.GrpcStatus ?? 31) << 1) | (record.Tls ? 1UL : 0);
        hash = Mix(hash, record.Route);
        hash = Mix(hash, record.DestinationWorkload);
        hash = Mix(hash, record.DestinationService);
        hash = Mix(hash, record.DestinationVersion);
        hash = Mix(hash, record.SourceWorkload);
        hash = Mix(hash, record.SourceNamespace);
        hash = Mix(hash, record.Reason);
        hash = Mix(hash, LabelText.Method(record.Method));
        return (int)(hash >> 32);
    }

    /// <summary>Whether the record has these labels; strings from configuration are mostly the same objects.</summary>
    public bool Matches(in RequestRecord record) =>
        _labels.Status == record.Status
        && _labels.Direction == record.Direction
        && _labels.Tls == record.Tls
        && _labels.GrpcStatus == record.GrpcStatus
        && _labels.Route == record.Route
        && _labels.DestinationWorkload == record.DestinationWorkload
        && _labels.DestinationVersion == record.DestinationVersion
        && _labels.DestinationService == record.DestinationService
        && _labels.DestinationNamespace == record.DestinationNamespace
        && _labels.SourceWorkload == record.SourceWorkload
        && _labels.SourceNamespace == record.SourceNamespace
        && _labels.Reason == record.Reason
        && _method == LabelText.Method(record.Method);

    private static ulong Mix(ulong hash, string text)
    {
        var tail = text.Length >= 4
            ? MemoryMarshal.Read<ulong>(MemoryMarshal.AsBytes(text.AsSpan(text.Length - 4)))
            : text.Length > 0 ? ((ulong)text[0] << 16) | text[^1] : 0;
        // Multiplication by an odd constant spreads upwards; the upper half is what is used.
        return (hash ^ tail ^ ((ulong)text.Length << 56) ^ (hash >> 29)) * 0x9E3779B97F4A7C15;
    }
}
