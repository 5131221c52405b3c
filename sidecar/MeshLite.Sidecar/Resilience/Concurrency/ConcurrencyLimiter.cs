using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.Concurrency;

/// <summary>
/// Bulkhead of one destination: at most <see cref="ConcurrencyConfig.MaxRequests"/> at once; beyond, up to
/// <see cref="ConcurrencyConfig.MaxQueued"/> wait in the order they came. Whoever acquired must release. Thread-safe.
/// While nobody waits, acquiring and releasing are one interlocked operation on a word that holds both counts; only then may
/// that word change without the lock, so a place that comes free can't slip past those who wait.
/// Not System.Threading.RateLimiting's limiter of this name: that makes a lease object a request and knows no TimeProvider.
/// </summary>
internal sealed class ConcurrencyLimiter(ConcurrencyConfig config, TimeProvider time)
{
    private const long OneQueued = 1L << 32;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private volatile ConcurrencyConfig _config = config;

    // In use in the lower half, waiting in the upper.
    private long _counts;

    /// <summary>Places taken.</summary>
    public int InUse => InUseOf(Volatile.Read(ref _counts));

    /// <summary>Callers waiting for one.</summary>
    public int Queued => QueuedOf(Volatile.Read(ref _counts));

    /// <summary>
    /// True: a place was taken, to be given back by <see cref="Release"/>. False: no room, and none came free in time.
    /// Cancelled while it waits, it throws, and has taken nothing.
    /// </summary>
    public ValueTask<bool> AcquireAsync(CancellationToken cancellationToken) =>
        TryAcquire() ? ValueTask.FromResult(true) : EnqueueAsync(cancellationToken);

    /// <summary>The same without waiting.</summary>
    public bool TryAcquire()
    {
        var seen = Volatile.Read(ref _counts);
        while (QueuedOf(seen) == 0 && InUseOf(seen) < _config.MaxRequests)
        {
            var was = Interlocked.CompareExchange(ref _counts, seen + 1, seen);
            if (was == seen)
            {
                return true;
            }

            seen = was;
        }

        return false;
    }

    /// <summary>Gives a place back: to the first who waits, if anybody does.</summary>
    public void Release()
    {
        var seen = Volatile.Read(ref _counts);
        while (QueuedOf(seen) == 0)
        {
            var was = Interlocked.CompareExchange(ref _counts, seen - 1, seen);
            if (was == seen)
            {
                return;
            }

            seen = was;
        }

        lock (_lock)
        {
            Interlocked.Decrement(ref _counts);
            Admit_NeedsLock();
        }
    }

    /// <summary>
    /// Other limits from now on. Who is in stays in, so that after a lower maximum nobody enters until enough have left;
    /// who waits goes on waiting as before.
    /// </summary>
    public void Update(ConcurrencyConfig config)
    {
        lock (_lock)
        {
            _config = config;
            Admit_NeedsLock();
        }
    }

    private ValueTask<bool> EnqueueAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        Waiter waiter;
        lock (_lock)
        {
            // The first to wait must not do so beside a free place: others may still come and go without the lock.
            var seen = Volatile.Read(ref _counts);
            while (true)
            {
                if (QueuedOf(seen) == 0 && InUseOf(seen) < _config.MaxRequests)
                {
                    if (TryAcquire())
                    {
                        return ValueTask.FromResult(true);
                    }

                    seen = Volatile.Read(ref _counts);
                    continue;
                }

                if (QueuedOf(seen) >= _config.MaxQueued || _config.QueueTimeout <= TimeSpan.Zero)
                {
                    return ValueTask.FromResult(false);
                }

                var was = Interlocked.CompareExchange(ref _counts, seen + OneQueued, seen);
                if (was == seen)
                {
                    break;
                }

                seen = was;
            }

            waiter = new Waiter(this);
            _waiters.AddLast(waiter.Node);
            waiter.Timer = time.CreateTimer(static state => ((Waiter)state!).TimedOut(), waiter, _config.QueueTimeout, Timeout.InfiniteTimeSpan);
        }

        // Outside the lock: a token that is cancelled by now calls back at once.
        var registration = cancellationToken.UnsafeRegister(static (state, token) => ((Waiter)state!).Cancelled(token), waiter);
        lock (_lock)
        {
            if (waiter.Node.List is not null)
            {
                waiter.Registration = registration;
                registration = default;
            }
        }

        registration.Unregister();
        return new ValueTask<bool>(waiter.Task);
    }

    private void Admit_NeedsLock()
    {
        while (_waiters.First is { } first && InUse < _config.MaxRequests)
        {
            // In one step: between two, whoever finds nobody waiting could take the place that is being handed over.
            Remove_NeedsLock(first.Value, 1 - OneQueued);
            first.Value.SetResult(true);
        }
    }

    private void Remove_NeedsLock(Waiter waiter, long change)
    {
        _waiters.Remove(waiter.Node);
        Interlocked.Add(ref _counts, change);
        waiter.Timer!.Dispose();
        waiter.Registration.Unregister();
    }

    private static int InUseOf(long counts) => unchecked((int)counts);

    private static int QueuedOf(long counts) => (int)(counts >> 32);

    /// <summary>One who waits. Its continuation never runs under the lock, nor on the thread of whoever released.</summary>
    private sealed class Waiter : TaskCompletionSource<bool>
    {
        private readonly ConcurrencyLimiter _owner;

        public Waiter(ConcurrencyLimiter owner)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            _owner = owner;
            Node = new LinkedListNode<Waiter>(this);
        }

        /// <summary>In the owner's list for as long as it waits.</summary>
        public LinkedListNode<Waiter> Node { get; }

        public ITimer? Timer { get; set; }

        public CancellationTokenRegistration Registration { get; set; }

        public void TimedOut()
        {
            if (Leave())
            {
                SetResult(false);
            }
        }

        public void Cancelled(CancellationToken token)
        {
            if (Leave())
            {
                SetCanceled(token);
            }
        }

        private bool Leave()
        {
            lock (_owner._lock)
            {
                if (Node.List is null)
                {
                    return false;
                }

                _owner.Remove_NeedsLock(this, -OneQueued);
                return true;
            }
        }
    }
}
