namespace MeshLite.Bench.Pairs;

/// <summary>The backends with nothing before them: what of a latency is the machine's and the load generator's own.</summary>
internal sealed class NoProxy : IProxyPair
{
    public string Name => "none";

    public string Description => "no proxy, no TLS";

    public string? Missing => null;

    public Task<PairEntries> StartAsync(Backends backends) => Task.FromResult(new PairEntries(new(backends.Http, "backend", []), new(backends.Grpc, "backend", [])));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
