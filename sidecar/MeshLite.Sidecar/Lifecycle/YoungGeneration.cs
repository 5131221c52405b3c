namespace MeshLite.Sidecar.Lifecycle;

/// <summary>
/// How large the garbage collector's youngest generation grows: it may take <c>System.GC.Gen0MaxBudget</c> (8 MB, in the project file), which a
/// sidecar under load needs, lest it keeps what belongs to requests under way; one that is calm is collected earlier and stays small.
/// Twice a second at most, so that what a collection costs (1 ms) is nothing beside the requests that caused it.
/// </summary>
/// <remarks>
/// Under 10 MB allocated a second (some 3,000 requests) a collection follows each 5 MB or little more; above that, two a second; from 32 MB a second on it
/// is the collector's own budget that decides. One per process; its timer is its only caller.
/// </remarks>
internal sealed class YoungGeneration : IDisposable
{
    /// <summary>What a calm sidecar allocates between two collections. <value>5 MB.</value></summary>
    public const long CalmBudget = 5_000_000;

    /// <summary>Between two looks. <value>500 ms.</value></summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly IHeap _heap;
    private readonly ITimer _timer;
    private int _collections;
    private long _allocated;

    /// <summary>Looks after <paramref name="heap"/> until disposed.</summary>
    public YoungGeneration(IHeap heap, TimeProvider time)
    {
        _heap = heap;
        Remember();
        _timer = time.CreateTimer(static self => ((YoungGeneration)self!).Look(), this, Interval, Interval);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (_heap.Collections != _collections)
        {
            // The collector itself was here meanwhile: what is young counts from now on.
            Remember();
        }
        else if (_heap.AllocatedBytes - _allocated >= CalmBudget)
        {
            _heap.Collect();
            Remember();
        }
    }

    private void Remember() => (_collections, _allocated) = (_heap.Collections, _heap.AllocatedBytes);

    /// <summary>The part of <see cref="GC"/> that this needs.</summary>
    internal interface IHeap
    {
        /// <summary>Of the youngest generation, or more.</summary>
        int Collections { get; }

        /// <summary>Since the process began.</summary>
        long AllocatedBytes { get; }

        /// <summary>Collects the youngest generation.</summary>
        void Collect();
    }

    /// <summary>The process's own.</summary>
    internal sealed class ProcessHeap : IHeap
    {
        /// <inheritdoc/>
        public int Collections => GC.CollectionCount(0);

        /// <inheritdoc/>
        public long AllocatedBytes => GC.GetTotalAllocatedBytes(precise: false);

        /// <inheritdoc/>
        public void Collect() => GC.Collect(0, GCCollectionMode.Forced, blocking: true);
    }
}
