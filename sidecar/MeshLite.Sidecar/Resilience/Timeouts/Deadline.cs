using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.Resilience.Timeouts;

/// <summary>
/// The moment by which something must be over, on the monotonic clock of a <see cref="TimeProvider"/>, and who says so.
/// Deadlines only ever come closer: <see cref="Earlier"/> is the one way to combine two. Immutable;
/// <c>default</c> is <see cref="None"/>.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct Deadline
{
    private readonly TimeProvider? _time;
    private readonly long _at;

    private Deadline(TimeProvider time, long at, DeadlineSource source) => (_time, _at, Source) = (time, at, source);

    /// <summary>Never.</summary>
    public static Deadline None => default;

    /// <summary>Whether there is none.</summary>
    public bool IsNone => _time is null;

    /// <summary>Who set it.</summary>
    public DeadlineSource Source { get; }

    /// <summary>So much time from now; a negative one has passed, one past the clock's range is its end.</summary>
    public static Deadline FromNow(TimeProvider time, TimeSpan timeout, DeadlineSource source) => After(time, time.GetTimestamp(), timeout, source);

    /// <summary>So much time after a timestamp of <paramref name="time"/>: when the request began, say.</summary>
    public static Deadline After(TimeProvider time, long timestamp, TimeSpan timeout, DeadlineSource source)
    {
        var units = timeout <= TimeSpan.Zero ? 0 : Timestamps.FromTimeSpan(timeout, time.TimestampFrequency);
        return new Deadline(time, units > long.MaxValue - timestamp ? long.MaxValue : timestamp + units, source);
    }

    /// <summary>
    /// The one that comes first. Of two at the same moment the rule's: it would have ended the request whatever the
    /// caller's patience. Both must be of one clock.
    /// </summary>
    public static Deadline Earlier(Deadline a, Deadline b)
    {
        if (a.IsNone || b.IsNone)
        {
            return a.IsNone ? b : a;
        }

        var bFirst = b._at < a._at || (b._at == a._at && b.Source == DeadlineSource.Rule);
        return bFirst ? b : a;
    }

    /// <summary>
    /// What is left at a timestamp of the clock, rounded down. <value>At least 0; <see cref="TimeSpan.MaxValue"/> where there is no
    /// deadline: ask <see cref="IsNone"/> before arming a timer.</value>
    /// </summary>
    public TimeSpan Remaining(long now) =>
        _time is null ? TimeSpan.MaxValue : now >= _at ? TimeSpan.Zero : Timestamps.ToTimeSpan(_at - now, _time.TimestampFrequency);

    /// <summary>Whether it comes before the other. Both must be of one clock.</summary>
    public bool IsBefore(Deadline other) => !IsNone && (other.IsNone || _at < other._at);

    /// <summary>Whether it has come.</summary>
    public bool HasPassed(long now) => _time is not null && now >= _at;
}

/// <summary>Who set a deadline, and so whose fault it is when it passes.</summary>
internal enum DeadlineSource
{
    /// <summary>A route or policy, or the default: passing it is a failure of who should have answered.</summary>
    Rule,

    /// <summary>The caller, by header: an impatient caller says nothing about the destination.</summary>
    Caller,
}
