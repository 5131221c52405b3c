using MeshLite.Bench.Cases;
using MeshLite.Bench.Results;

namespace MeshLite.Bench.Tests.Cases;

public class WarmUpTests
{
    [Fact]
    public async Task RunAsync_CostFallsThenKeeps_EndsOnceTwoRoundsAgree() =>
        (await RunAsync(100, 60, 50, 48)).ShouldBe(new WarmUp(4, true));

    [Fact]
    public async Task RunAsync_CostNeverKeeps_GivesUpAndSaysSo() =>
        (await RunAsync(100, 50, 100, 50, 100, 50, 100)).ShouldBe(new WarmUp(WarmUp.MostRounds, false));

    [Fact]
    public async Task RunAsync_NoProxyThatCosts_IsSettled() => (await RunAsync(0, 0)).ShouldBe(new WarmUp(2, true));

    private static Task<WarmUp> RunAsync(params double[] costs)
    {
        var next = 0;
        return WarmUp.RunAsync(() => Task.FromResult(new Round(costs[next++], 1, 1, 1, null, 1)));
    }
}
