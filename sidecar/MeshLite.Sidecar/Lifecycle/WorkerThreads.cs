namespace MeshLite.Sidecar.Lifecycle;

/// <summary>
/// How many threads of the pool work at once: one, twice as many after each half second in which those there are had no rest, up to the processors there are, and no
/// more than are needed once they have. Threads of one sidecar wake and outwait each other: two where one would do cost a tenth of the CPU of a request.
/// </summary>
/// <remarks>
/// The pool's own search for the best number is off (<c>System.Threading.ThreadPool.HillClimbing.Disable</c>, in the project file): it counts what is done, not what
/// it costs. What stays is that it adds a thread where nothing moves for half a second, because one blocks that should not. One per process; its timer is its only caller.
/// </remarks>
internal sealed class WorkerThreads : IDisposable
{
    /// <summary>Between two looks. <value>500 ms.</value></summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>The part of their time beyond which threads have no rest.</summary>
    private const double Busy = 0.9;

    /// <summary>The part of their time up to which threads are enough. Below <see cref="Busy"/>, so that what was taken away is not missed at once.</summary>
    private const double Rested = 0.7;

    private readonly IPool _pool;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _looked;
    private TimeSpan _used;
    private int _threads;

    /// <summary>Looks after <paramref name="pool"/> until disposed. It begins with a thread for each processor: a start has much to do.</summary>
    public WorkerThreads(IPool pool, TimeProvider time)
    {
        _pool = pool;
        _time = time;
        _threads = pool.Most;
        Remember();
        _timer = time.CreateTimer(static self => ((WorkerThreads)self!).Look(), this, Interval, Interval);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>How many there should be, of <paramref name="threads"/> that used <paramref name="processors"/> (2.5: two and a half) of the time.</summary>
    public static int Next(int threads, double processors, int most) =>
        processors > Busy * threads ? Math.Min(most, 2 * threads) : Math.Min(threads, Math.Max(1, (int)Math.Ceiling(processors / Rested)));

    private void Look()
    {
        var (looked, used) = (_looked, _used);
        Remember();
        var next = Next(_threads, (_used - used) / _time.GetElapsedTime(looked, _looked), _pool.Most);

        // The pool may have added one where nothing moved: it stays for as long as something waits.
        if (next != _threads || !_pool.HasWaiting)
        {
            _threads = next;
            _pool.SetThreads(next);
        }
    }

    private void Remember() => (_looked, _used) = (_time.GetTimestamp(), _pool.CpuTime);

    /// <summary>The part of <see cref="ThreadPool"/> and its process that this needs.</summary>
    internal interface IPool
    {
        /// <summary>Processors the process may use.</summary>
        int Most { get; }

        /// <summary>Of all the process's threads, since it began.</summary>
        TimeSpan CpuTime { get; }

        /// <summary>Whether work waits for a thread.</summary>
        bool HasWaiting { get; }

        /// <summary>Lets so many work at once.</summary>
        void SetThreads(int threads);
    }

    /// <summary>The process's own.</summary>
    internal sealed class ProcessPool : IPool
    {
        /// <inheritdoc/>
        public int Most => Environment.ProcessorCount;

        /// <inheritdoc/>
        public TimeSpan CpuTime => Environment.CpuUsage.TotalTime;

        /// <inheritdoc/>
        public bool HasWaiting => ThreadPool.PendingWorkItemCount > 0;

        /// <inheritdoc/>
        public void SetThreads(int threads)
        {
            ThreadPool.GetMinThreads(out _, out var minIo);
            ThreadPool.GetMaxThreads(out var max, out var maxIo);
            ThreadPool.SetMinThreads(threads, minIo); // of fewer, it raises their number

            // Of more, their number comes down to the most there may be; which then may be what it was, for when one blocks.
            ThreadPool.SetMaxThreads(threads, maxIo);
            ThreadPool.SetMaxThreads(max, maxIo);
        }
    }
}
