namespace MeshLite.Bench.Load;

/// <summary>Sends GETs over a fixed number of HTTP/1.1 connections, each the next one as soon as the last is answered (closed loop).</summary>
internal interface ILoadGenerator
{
    /// <summary>For the report.</summary>
    string Name { get; }

    /// <summary>Runs for <paramref name="duration"/>.</summary>
    Task<LoadResult> RunAsync(Uri target, string host, int connections, TimeSpan duration);
}
