namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>Any, with probability by weight; independent of all picks before. Thread-safe if the random source is.</summary>
internal sealed class RandomPicker<TEndpoint>(TEndpoint[] endpoints, Random random, SlowStart? slowStart = null)
    : EndpointPicker<TEndpoint>(endpoints, random, slowStart)
    where TEndpoint : class, ILoadBalanced
{
    private protected override TEndpoint PickOne(ReadOnlySpan<int> among, bool isRetry, ulong? key) => At(DrawByWeight(among), among);
}
