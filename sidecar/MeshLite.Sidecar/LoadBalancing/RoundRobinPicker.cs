namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Each endpoint in turn, heavier ones more often, by the static stride scheduler of gRPC's weighted_round_robin
/// (https://github.com/grpc/proposal/blob/master/A58-client-side-weighted-round-robin-lb-policy.md): turns go round the
/// list, and an endpoint sits out a round unless <c>weight × round mod heaviest</c> has just wrapped. With equal weights
/// nobody ever sits out. After any number of whole rounds each endpoint has had its share, give or take one.
/// A retry is nobody's turn and goes anywhere else at random: if it took the next turn, then with one bad endpoint of two
/// every request would begin at the bad one.
/// Lock-free: one interlocked increment per turn, from a random start. Thread-safe if the random source is.
/// </summary>
internal sealed class RoundRobinPicker<TEndpoint> : EndpointPicker<TEndpoint>
    where TEndpoint : class, ILoadBalanced
{
    private readonly Random _random;
    private ulong _turn;

    public RoundRobinPicker(TEndpoint[] endpoints, Random random)
        : base(endpoints)
    {
        _random = random;
        // Not from the same endpoint in every sidecar; nor from the same round, where weights differ.
        _turn = RandomTurn();
    }

    private protected override TEndpoint Pick(in ExcludedEndpoints excluded, int excludedHere)
    {
        var length = (ulong)Endpoints.Length;
        // In a whole number of "heaviest" rounds everyone has a turn; more can only pass where other threads take them all.
        TEndpoint? last = null;
        for (var tries = 0UL; tries < length * (ulong)MaxWeight || last is null; tries++)
        {
            var turn = excludedHere > 0 ? RandomTurn() : Interlocked.Increment(ref _turn);
            var (round, index) = Math.DivRem(turn, length);
            var endpoint = Endpoints[index];
            if (excludedHere > 0 && excluded.Contains(endpoint))
            {
                continue;
            }

            last = endpoint;
            if (HasEqualWeights || HasTurn(endpoint.Weight, round, index))
            {
                return endpoint;
            }
        }

        return last;
    }

    private ulong RandomTurn() => (ulong)_random.NextInt64(int.MaxValue);

    private bool HasTurn(int weight, ulong round, ulong index)
    {
        var heaviest = (ulong)MaxWeight;
        // The offset by index keeps endpoints of one weight from having their turns in the same round.
        var phase = (((round % heaviest) * (ulong)weight) + (index * (heaviest / 2))) % heaviest;
        return phase < (ulong)weight;
    }
}
