namespace MeshLite.Sidecar.Tests;

/// <summary>Runs code on threads that start together, so that they collide even where each has little to do.</summary>
internal static class InParallel
{
    /// <summary>Calls <paramref name="body"/> with the thread's number, on four threads.</summary>
    public static async Task RunAsync(Action<int> body)
    {
        const int Threads = 4;
        using var start = new Barrier(Threads);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                body(thread);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
    }
}
