namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Power of two choices: takes two different endpoints at random and of them the one that costs less (M. Mitzenmacher,
/// "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001). Unlike the least loaded of all, it
/// does not send every sidecar to the same endpoint at the same moment.
/// Where weights differ, the first of the two is drawn by weight, and kept unless the other costs less than half:
/// else of two endpoints that are equally fast each would get half, whatever their weights.
/// Thread-safe if the random source is.
/// </summary>
internal class P2cPicker<TEndpoint>(TEndpoint[] endpoints, Random random, TimeProvider timeProvider, SlowStart? slowStart = null)
    : EndpointPicker<TEndpoint>(endpoints, random, slowStart)
    where TEndpoint : class, ILoadBalanced
{
    private readonly TimeProvider _timeProvider = timeProvider;

    private protected sealed override TEndpoint PickOne(ReadOnlySpan<int> among, bool isRetry, ulong? key)
    {
        var candidates = Count(among);
        var firstRank = DrawByWeight(among);
        var first = At(firstRank, among);
        if (candidates == 1)
        {
            return first;
        }

        // A rank among the others: from firstRank on, everything moves down by one.
        var secondRank = Random.Next(candidates - 1);
        var second = At(secondRank >= firstRank ? secondRank + 1 : secondRank, among);

        var now = _timeProvider.GetTimestamp();
        var advantage = HasEqualWeights ? 1.0 : 2.0;
        return Cost(second, WeightOf(second, now), now) * advantage < Cost(first, WeightOf(first, now), now) ? second : first;
    }

    /// <summary>What one more request costs there: here, peak-EWMA latency times load.</summary>
    private protected virtual double Cost(TEndpoint endpoint, double weight, long now) => endpoint.Load.Cost(now, weight);
}
