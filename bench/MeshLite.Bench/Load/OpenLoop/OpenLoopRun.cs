namespace MeshLite.Bench.Load.OpenLoop;

/// <summary>
/// The bookkeeping of an open loop: a request is due when the schedule says so, whether or not earlier ones are answered,
/// and its latency counts from then, not from when a connection was free to send it. A server that stalls is charged
/// for everybody who would have called meanwhile ("coordinated omission", https://www.youtube.com/watch?v=lJ8ydIuPFeU).
/// One thread; does no I/O.
/// </summary>
internal sealed class OpenLoopRun(Schedule schedule)
{
    private readonly long[] _latencies = new long[schedule.Count];
    private int _next;

    /// <summary>Answered so far.</summary>
    public int Answered { get; private set; }

    /// <summary>Whether all have been taken.</summary>
    public bool AllTaken => _next == schedule.Count;

    /// <summary>When the next request is due; <see cref="long.MaxValue"/>: there is none.</summary>
    public long NextAt => AllTaken ? long.MaxValue : schedule.At(_next);

    /// <summary>Takes the oldest request that is due and not sent yet.</summary>
    public bool TryTake(long now, out int index)
    {
        index = _next;
        if (AllTaken || schedule.At(_next) > now)
        {
            return false;
        }

        _next++;
        return true;
    }

    /// <summary>It is answered.</summary>
    public void Complete(int index, long now) => _latencies[Answered++] = now - schedule.At(index);

    /// <summary>Of those answered.</summary>
    public Results.Latencies Latencies() => new(_latencies.Take(Answered).Select(l => TimeSpan.FromSeconds((double)l / schedule.Frequency)));
}
