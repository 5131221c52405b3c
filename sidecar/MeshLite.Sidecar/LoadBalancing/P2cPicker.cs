namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Power of two choices: takes two different endpoints at random and of them the one that costs less (M. Mitzenmacher,
/// "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001). Unlike the least loaded of all, it
/// does not send every sidecar to the same endpoint at the same moment.
/// Where weights differ, the first of the two is drawn by weight, and kept unless the other costs less than half:
/// else of two endpoints that are equally fast each would get half, whatever their weights.
/// Thread-safe if the random source is.
/// </summary>
internal sealed class P2cPicker<TEndpoint>(TEndpoint[] endpoints, Random random, TimeProvider timeProvider) : EndpointPicker<TEndpoint>(endpoints)
    where TEndpoint : class, ILoadBalanced
{
    private readonly Random _random = random;
    private readonly TimeProvider _timeProvider = timeProvider;

    private protected override TEndpoint Pick(in ExcludedEndpoints excluded, int excludedHere)
    {
        var candidates = Endpoints.Length - excludedHere;
        var firstRank = HasEqualWeights ? _random.Next(candidates) : DrawByWeight(in excluded, candidates);
        var first = At(firstRank, in excluded, excludedHere);
        if (candidates == 1)
        {
            return first;
        }

        // A rank among the others: from firstRank on, everything moves down by one.
        var secondRank = _random.Next(candidates - 1);
        var second = At(secondRank >= firstRank ? secondRank + 1 : secondRank, in excluded, excludedHere);

        var now = _timeProvider.GetTimestamp();
        var advantage = HasEqualWeights ? 1 : 2;
        return second.Load.Cost(now, second.Weight) * advantage < first.Load.Cost(now, first.Weight) ? second : first;
    }

    /// <summary>A rank among the candidates, with probability by weight: a uniform one, kept with probability weight / heaviest.</summary>
    private int DrawByWeight(in ExcludedEndpoints excluded, int candidates)
    {
        // Expected rounds: heaviest / mean weight. The bound is for lists of one giant and many dwarfs.
        var rank = 0;
        for (var round = 0; round < 64; round++)
        {
            rank = _random.Next(candidates);
            if (_random.Next(MaxWeight) < At(rank, in excluded, Endpoints.Length - candidates).Weight)
            {
                break;
            }
        }

        return rank;
    }

    /// <summary>The candidate of that rank: the list without the excluded.</summary>
    private TEndpoint At(int rank, in ExcludedEndpoints excluded, int excludedHere)
    {
        if (excludedHere == 0)
        {
            return Endpoints[rank];
        }

        foreach (var endpoint in Endpoints)
        {
            if (!excluded.Contains(endpoint) && rank-- == 0)
            {
                return endpoint;
            }
        }

        throw new InvalidOperationException("Rank beyond the candidates.");
    }
}
