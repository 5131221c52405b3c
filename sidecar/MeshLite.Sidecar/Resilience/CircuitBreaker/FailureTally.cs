using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>
/// When failures are too many, for an endpoint or a destination alike: so many in a row, or such a share of at least so
/// many within a window. Each criterion is off at 0. Immutable.
/// </summary>
internal sealed record FailureThresholds(int InARow, double Ratio, int MinimumRequests, TimeSpan Window)
{
    /// <summary>Those of an endpoint.</summary>
    public static FailureThresholds Of(EndpointCircuitConfig config) =>
        new(config.ConsecutiveFailures, config.FailureRatio, config.MinimumRequests, config.Window);

    /// <summary>Those of a destination.</summary>
    public static FailureThresholds Of(DestinationCircuitConfig config) =>
        new(config.ConsecutiveFailures, config.FailureRatio, config.MinimumRequests, config.Window);
}

/// <summary>
/// Keeps count against <see cref="FailureThresholds"/>, which may change between calls: failures in a row are known
/// whatever they become; the window begins anew where its length changes. Lock-free, from any thread.
/// </summary>
internal sealed class FailureTally(TimeProvider time)
{
    /// <summary>So that 11 of 20 are 55 %, though 0.55 × 20 is a little more than 11 in binary.</summary>
    private const double Tolerance = 1e-9;

    private long _inARow;
    private FailureWindow? _window;

    /// <summary>One that went well.</summary>
    public void Success(FailureThresholds thresholds)
    {
        // Nearly always 0 already: a read leaves the cache line with everyone.
        if (Volatile.Read(ref _inARow) != 0)
        {
            Volatile.Write(ref _inARow, 0);
        }

        if (thresholds.Ratio > 0)
        {
            Window(thresholds.Window).RecordSuccess();
        }
    }

    /// <summary>One that did not. Returns whether that makes too many.</summary>
    public bool Failure(FailureThresholds thresholds)
    {
        var inARow = Interlocked.Increment(ref _inARow);
        var tooMany = thresholds.InARow > 0 && inARow >= thresholds.InARow;
        if (thresholds.Ratio <= 0)
        {
            return tooMany;
        }

        var window = Window(thresholds.Window);
        window.RecordFailure();
        var (successes, failures) = window.Count();
        var total = successes + failures;
        return tooMany || (total >= thresholds.MinimumRequests && failures + Tolerance >= thresholds.Ratio * total);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Volatile.Write(ref _inARow, 0);
        Volatile.Write(ref _window, null);
    }

    private FailureWindow Window(TimeSpan length)
    {
        while (true)
        {
            var window = Volatile.Read(ref _window);
            if (window?.Length == length)
            {
                return window;
            }

            Interlocked.CompareExchange(ref _window, new FailureWindow(length, time), window);
        }
    }
}
