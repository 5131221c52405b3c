namespace MeshLite.Sidecar.Tests;

/// <summary>Counts what code allocates on its own thread.</summary>
internal static class Allocations
{
    /// <summary>
    /// Bytes allocated by <paramref name="action"/>, the least of several rounds: the first warms up, and another test's
    /// collection may empty a pool during one of them, but not during all.
    /// </summary>
    public static long Of(Action action)
    {
        var least = long.MaxValue;
        for (var round = 0; round < 10; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
