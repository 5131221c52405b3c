using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// The load of one endpoint: a peak-sensitive, exponentially weighted moving average of its response times, and the
/// requests in flight (Finagle's <c>P2C PeakEwma</c>, https://twitter.github.io/finagle/guide/Clients.html; the same in
/// linkerd2-proxy by tower's <c>load::peak_ewma</c>). A response slower than the estimate replaces it at once; a faster
/// one pulls it down by as much as time has passed since the last update: <c>e' = e·w + rtt·(1−w)</c>,
/// <c>w = exp(−Δt/decay)</c>. Unused, the estimate falls towards 0 by the same law, so that an endpoint that was slow is
/// tried again.
/// Requests update it from any thread, lock-free: estimate (a float, in milliseconds) and time (in milliseconds, 32 bits,
/// wrapping after 49 days) are one 64-bit word. Of several responses within one millisecond only a new peak counts;
/// the weight of the others would be less than 1/10,000.
/// </summary>
internal sealed class PeakEwma(TimeProvider timeProvider)
{
    /// <summary>Time constant of forgetting. <value>10 s.</value></summary>
    public static readonly TimeSpan Decay = TimeSpan.FromSeconds(10);

    /// <summary>What an endpoint is taken for before its first response. <value>30 ms.</value></summary>
    public static readonly TimeSpan InitialRtt = TimeSpan.FromMilliseconds(30);

    /// <summary>
    /// Lower bound of the estimate in <see cref="Cost"/>, so that requests in flight still count where an estimate has decayed to nothing.
    /// <value>1 µs, in milliseconds.</value>
    /// </summary>
    private const double MinMilliseconds = 0.001;

    private readonly TimeProvider _timeProvider = timeProvider;
    private Shared _shared = new() { State = Pack(InitialRtt.TotalMilliseconds, Milliseconds(timeProvider, timeProvider.GetTimestamp())) };

    /// <summary>Requests sent and not answered.</summary>
    public int InFlight => Volatile.Read(ref _shared.InFlight);

    /// <summary>A request is about to be sent. Returns the timestamp to hand to <see cref="End(long)"/>.</summary>
    public long Begin()
    {
        Interlocked.Increment(ref _shared.InFlight);
        return _timeProvider.GetTimestamp();
    }

    /// <summary>It was answered: its response time, counted from <paramref name="begun"/>, goes into the average.</summary>
    public void End(long begun)
    {
        var now = _timeProvider.GetTimestamp();
        End(_timeProvider.GetElapsedTime(begun, now), now);
    }

    /// <summary>
    /// It ended in <paramref name="elapsed"/>, or is to count as if it had: an endpoint that fails fast must not look
    /// like a fast endpoint, so pass for a failure what it should cost (the connect timeout, say).
    /// </summary>
    public void End(TimeSpan elapsed) => End(elapsed, _timeProvider.GetTimestamp());

    /// <summary>It ended without telling anything about the endpoint: the caller went away.</summary>
    public void Abandon() => Interlocked.Decrement(ref _shared.InFlight);

    /// <summary>The estimate at a timestamp of the time provider.</summary>
    public TimeSpan Estimate(long now) => TimeSpan.FromMilliseconds(Decayed(Volatile.Read(ref _shared.State), Milliseconds(_timeProvider, now)));

    /// <summary>
    /// What sending one more request here costs: estimate × (in flight / weight + 1). With a weight of 1 that is Finagle's
    /// formula; a weight of 3 makes three requests in flight as bearable as one elsewhere.
    /// </summary>
    public double Cost(long now, double weight) =>
        Math.Max(Decayed(Volatile.Read(ref _shared.State), Milliseconds(_timeProvider, now)), MinMilliseconds)
        * ((Volatile.Read(ref _shared.InFlight) / weight) + 1);

    private void End(TimeSpan elapsed, long now)
    {
        Interlocked.Decrement(ref _shared.InFlight);
        var rtt = Math.Max(elapsed.TotalMilliseconds, 0);
        var time = Milliseconds(_timeProvider, now);
        var seen = Volatile.Read(ref _shared.State);
        while (true)
        {
            var (estimate, updated) = Unpack(seen);
            double next;
            if (rtt > estimate)
            {
                next = rtt;
            }
            else if (SignedDifference(time, updated) <= 0)
            {
                return;
            }
            else
            {
                var weight = Math.Exp(-SignedDifference(time, updated) / Decay.TotalMilliseconds);
                next = (estimate * weight) + (rtt * (1 - weight));
            }

            var was = Interlocked.CompareExchange(ref _shared.State, Pack(next, time), seen);
            if (was == seen)
            {
                return;
            }

            seen = was;
        }
    }

    private static double Decayed(long state, uint time)
    {
        var (estimate, updated) = Unpack(state);
        return estimate * Math.Exp(-Math.Max(SignedDifference(time, updated), 0) / Decay.TotalMilliseconds);
    }

    // Threads read the clock before they get to write: a difference may be slightly negative.
    private static double SignedDifference(uint time, uint updated) => unchecked((int)(time - updated));

    private static uint Milliseconds(TimeProvider timeProvider, long timestamp)
    {
        var frequency = timeProvider.TimestampFrequency;
        return unchecked((uint)(frequency > 1000 ? timestamp / (frequency / 1000) : timestamp * 1000 / frequency));
    }

    private static long Pack(double milliseconds, uint time) => ((long)BitConverter.SingleToInt32Bits((float)milliseconds) << 32) | time;

    private static (double Estimate, uint Time) Unpack(long state) => (BitConverter.Int32BitsToSingle((int)(state >> 32)), unchecked((uint)state));

    /// <summary>Padded, so that the words of two endpoints never share a cache line: every request writes here.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Shared
    {
        public long State;
        public int InFlight;
    }
}
