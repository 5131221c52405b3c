using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Makes the <see cref="Activity"/> of a span that is exported, after the fact: requests carry ids only. An activity makes
/// its own span id when it starts, but this one was sent to the next hop long ago; so it is never started, and the id is
/// written into its private field (<c>SpanActivityTests</c> holds the runtime to that). Attributes and status follow the
/// stable semantic conventions (https://opentelemetry.io/docs/specs/semconv/http/http-spans/, …/rpc/rpc-spans/). Called by
/// <see cref="SpanQueue"/>; thread-safe.
/// </summary>
internal static class SpanActivity
{
    private static readonly ActivitySource Source = new("MeshLite.Sidecar", typeof(SpanActivity).Assembly.GetName().Version?.ToString(3));

    // Without a listener a source makes no activities.
    private static readonly ActivityListener Listener = new()
    {
        ShouldListenTo = source => ReferenceEquals(source, Source),
        Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
    };

    static SpanActivity() => ActivitySource.AddActivityListener(Listener);

    /// <summary>An activity that has ended.</summary>
    public static Activity Create(in SpanRecord record)
    {
        var span = record.Span;
        var request = record.Request;
        var context = new ActivityContext(
            ActivityTraceId.CreateFromString(span.TraceId.ToString()),
            span.Parent.IsEmpty ? default : ActivitySpanId.CreateFromString(span.Parent.ToString()),
            ActivityTraceFlags.None,
            record.TraceState,
            isRemote: !span.Parent.IsEmpty);
        var kind = request.Direction == Direction.Outbound ? ActivityKind.Client : ActivityKind.Server;
        var activity = Source.CreateActivity(SpanAttributes.Name(in request), kind, context)!;
        activity.ActivityTraceFlags = span.IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None;
        SpanIdOf(activity) = span.Id.ToString();
        activity.SetStartTime(request.Time.UtcDateTime);
        activity.SetEndTime(request.Time.UtcDateTime + request.Duration);
        SpanAttributes.Set(activity, in record);
        return activity;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_spanId")]
    private static extern ref string? SpanIdOf(Activity activity);
}
