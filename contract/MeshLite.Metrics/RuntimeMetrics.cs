namespace MeshLite.Metrics;

/// <summary>What the .NET runtime tells of itself: collections, heap, pauses, thread pool. Read at scrape time only.</summary>
public static class RuntimeMetrics
{
    private static readonly string[] Generations = ["gen0", "gen1", "gen2"];

    /// <summary>Registers the families.</summary>
    public static void AddRuntimeMetrics(this MetricRegistry registry)
    {
        registry.AddCounterCallback("dotnet_gc_collections_total", "Garbage collections, by the oldest generation collected.", ["generation"], samples =>
        {
            for (var generation = 0; generation < Generations.Length; generation++)
            {
                // The runtime counts a collection of gen 1 in gen 0 as well.
                var older = generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0;
                samples.Add(GC.CollectionCount(generation) - older, Generations[generation]);
            }
        });
        registry.AddCounterCallback("dotnet_gc_allocated_bytes_total", "Bytes allocated on the managed heap.", () => GC.GetTotalAllocatedBytes());
        registry.AddCounterCallback("dotnet_gc_pause_seconds_total", "Time that all threads stood still for the garbage collector.", () => GC.GetTotalPauseDuration().TotalSeconds);
        registry.AddGaugeCallback("dotnet_gc_heap_bytes", "Managed heap after the last collection, fragmentation included.", () => GC.GetGCMemoryInfo().HeapSizeBytes);
        registry.AddGaugeCallback("dotnet_gc_committed_bytes", "Memory committed for the managed heap at the last collection.", () => GC.GetGCMemoryInfo().TotalCommittedBytes);
        registry.AddGaugeCallback("dotnet_threadpool_threads", "Threads of the thread pool.", () => ThreadPool.ThreadCount);
        registry.AddGaugeCallback("dotnet_threadpool_queue_length", "Work items waiting for a thread of the pool.", () => ThreadPool.PendingWorkItemCount);
        registry.AddCounterCallback("dotnet_threadpool_completed_items_total", "Work items done by the thread pool.", () => ThreadPool.CompletedWorkItemCount);
        registry.AddCounterCallback("dotnet_lock_contentions_total", "Times a thread waited for a lock.", () => Monitor.LockContentionCount);
        registry.AddGaugeCallback("dotnet_timers", "Timers waiting.", () => Timer.ActiveCount);
    }
}
