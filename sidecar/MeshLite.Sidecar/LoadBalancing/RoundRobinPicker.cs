namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Each endpoint in turn, heavier ones more often, by the static stride scheduler of gRPC's weighted_round_robin
/// (https://github.com/grpc/proposal/blob/master/A58-client-side-weighted-round-robin-lb-policy.md): turns go round the
/// list, and an endpoint sits out a round unless <c>weight × round mod heaviest</c> has just wrapped. With equal weights
/// nobody ever sits out. After any number of whole rounds each endpoint has had its share, give or take one.
/// A retry is nobody's turn and goes anywhere else at random: if it took the next turn, then with one bad endpoint of two
/// every request would begin at the bad one. Endpoints that are out have no turns: the others take theirs among themselves,
/// evenly, where passing over would give all of them to the next in the list.
/// Lock-free: one interlocked increment per turn, from a random start. Thread-safe if the random source is.
/// </summary>
internal sealed class RoundRobinPicker<TEndpoint> : EndpointPicker<TEndpoint>
    where TEndpoint : class, ILoadBalanced
{
    private ulong _turn;

    public RoundRobinPicker(TEndpoint[] endpoints, Random random, SlowStart? slowStart = null)
        : base(endpoints, random, slowStart)
    {
        // Not from the same endpoint in every sidecar; nor from the same round, where weights differ.
        _turn = RandomTurn();
    }

    private protected override TEndpoint PickOne(ReadOnlySpan<int> among, bool isRetry, ulong? key)
    {
        var length = (ulong)Count(among);

        // In a whole number of "heaviest" rounds everyone has a turn; more can only pass where other threads take them all.
        for (var tries = 0UL; ; tries++)
        {
            var turn = isRetry ? RandomTurn() : Interlocked.Increment(ref _turn);
            var (round, index) = Math.DivRem(turn, length);
            var endpoint = At((int)index, among);
            if (HasEqualWeights || HasTurn(endpoint.Weight, round, index) || tries >= length * (ulong)MaxWeight)
            {
                return endpoint;
            }
        }
    }

    private ulong RandomTurn() => (ulong)Random.NextInt64(int.MaxValue);

    private bool HasTurn(int weight, ulong round, ulong index)
    {
        var heaviest = (ulong)MaxWeight;
        // The offset by index keeps endpoints of one weight from having their turns in the same round.
        var phase = (((round % heaviest) * (ulong)weight) + (index * (heaviest / 2))) % heaviest;
        return phase < (ulong)weight;
    }
}
