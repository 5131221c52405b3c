using MeshLite.Bench.Results;

namespace MeshLite.Bench.Cases;

/// <summary>
/// How a pair was loaded before it counted. Tiered compilation is done when it shows no more: rounds as long as those
/// that count go by until one costs within 5 % of the CPU per request of the one before, at least two. nginx and HAProxy,
/// which compile nothing, are treated alike.
/// </summary>
/// <param name="Rounds">Gone by.</param>
/// <param name="Settled">False: given up after <see cref="MostRounds"/>; the machine is too busy to tell, or the compiler not done.</param>
internal sealed record WarmUp(int Rounds, bool Settled)
{
    /// <summary>Then it counts as it is.</summary>
    public const int MostRounds = 6;

    private const double Tolerance = 0.05;

    /// <param name="round">Loads the pair once.</param>
    public static async Task<WarmUp> RunAsync(Func<Task<Round>> round)
    {
        var before = (await round()).CpuMicrosPerRequest;
        for (var count = 2; count <= MostRounds; count++)
        {
            var now = (await round()).CpuMicrosPerRequest;
            if (IsSettled(before, now))
            {
                return new WarmUp(count, true);
            }

            before = now;
        }

        return new WarmUp(MostRounds, false);
    }

    /// <summary>Whether the second round cost as much as the first, by 5 %; nothing at all is settled too.</summary>
    internal static bool IsSettled(double before, double now) => Math.Abs(now - before) <= Tolerance * before;

    public override string ToString() => $"{Rounds} rounds{(Settled ? "" : ", not settled")}";
}
