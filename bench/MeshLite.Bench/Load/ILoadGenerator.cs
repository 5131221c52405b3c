namespace MeshLite.Bench.Load;

/// <summary>Sends requests over a number of connections.</summary>
internal interface ILoadGenerator
{
    /// <summary>For the report.</summary>
    string Name { get; }

    /// <summary>Runs for <paramref name="duration"/>.</summary>
    Task<LoadResult> RunAsync(LoadTarget target, int connections, TimeSpan duration);
}
