using MeshLite.Model;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Retry;

public sealed class RetryBudgetTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void TryWithdraw_FirstFailureOfAQuietDestination_IsGranted()
    {
        var budget = new RetryBudget(new RetryBudgetConfig { Percent = 20, MinPerSecond = 1 }, _time);
        budget.Deposit();

        budget.TryWithdraw().ShouldBeTrue();
        budget.TryWithdraw().ShouldBeFalse();
    }

    [Fact]
    public void TryWithdraw_TwentyPercentAndNoMinimum_IsGrantedForEachFifthRequest()
    {
        var budget = new RetryBudget(new RetryBudgetConfig { Percent = 20, MinPerSecond = 0 }, _time);
        var granted = Enumerable.Range(1, 20).Where(_ =>
        {
            budget.Deposit();
            return budget.TryWithdraw();
        });

        granted.ShouldBe([5, 10, 15, 20]);
    }

    [Fact]
    public void TryWithdraw_OverTheInterval_DepositsLapse()
    {
        var budget = new RetryBudget(new RetryBudgetConfig { Percent = 100, MinPerSecond = 0 }, _time);
        budget.Deposit();
        _time.Advance(TimeSpan.FromSeconds(9.99));
        budget.Deposit();

        budget.Tokens.ShouldBe(2);
        _time.Advance(TimeSpan.FromSeconds(0.01));

        budget.Tokens.ShouldBe(1);
        budget.TryWithdraw().ShouldBeTrue();
        budget.TryWithdraw().ShouldBeFalse();
    }

    [Fact]
    public void TryWithdraw_MinimumUsedUp_ComesBackWithinASecond()
    {
        var budget = new RetryBudget(new RetryBudgetConfig { Percent = 0, MinPerSecond = 3 }, _time);
        WithdrawAll(budget).ShouldBe(3);
        _time.Advance(TimeSpan.FromSeconds(0.99));
        WithdrawAll(budget).ShouldBe(0);

        _time.Advance(TimeSpan.FromSeconds(0.01));

        WithdrawAll(budget).ShouldBe(3);
    }

    [Fact]
    public void TryWithdraw_NothingAllowed_NeverIs()
    {
        var budget = new RetryBudget(new RetryBudgetConfig { Percent = 0, MinPerSecond = 0 }, _time);
        for (var i = 0; i < 1000; i++)
        {
            budget.Deposit();
            _time.Advance(TimeSpan.FromMilliseconds(17));
            budget.TryWithdraw().ShouldBeFalse();
        }
    }

    [Fact]
    public void Tokens_DepositsAndMinimum_AreWhatCanBeWithdrawn()
    {
        var budget = new RetryBudget(Default, _time);
        budget.Tokens.ShouldBe(10);
        for (var i = 0; i < 57; i++)
        {
            budget.Deposit();
        }

        budget.Tokens.ShouldBe(10 + (57 * 0.2), 1e-9);
        WithdrawAll(budget).ShouldBe(21);
        budget.Tokens.ShouldBe(0.4, 1e-9);
    }

    /// <summary>Every request and every retry fails and wants two retries: design.md §3 and issue 3, "at 100 % failure".</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(2000)]
    public void TryWithdraw_EverythingFails_LoadStaysWithinAFifthMoreAndTenASecond(int requestsPerSecond)
    {
        var budget = new RetryBudget(Default, _time);
        var requests = 0;
        var retries = 0;
        for (var step = 0; step < 30 * requestsPerSecond; step++)
        {
            budget.Deposit();
            requests++;
            retries += budget.TryWithdraw() ? 1 : 0;
            retries += budget.TryWithdraw() ? 1 : 0;
            var seconds = (double)step / requestsPerSecond;

            (requests + retries).ShouldBeLessThanOrEqualTo((int)((1.2 * requests) + (10 * Math.Ceiling(seconds + 0.1))));
            _time.Advance(TimeSpan.FromSeconds(1.0 / requestsPerSecond));
        }

        // And what is allowed can be had: all of it where two each ask for more.
        retries.ShouldBeGreaterThanOrEqualTo((int)Math.Min(2 * requests, (0.2 * requests) + 290));
    }

    [Fact]
    public async Task DepositWithdraw_FromManyThreads_GrantsWhatWasPaidForAndNoMore()
    {
        var budget = new RetryBudget(Default, _time);
        var granted = new int[4];

        await InParallel.RunAsync(thread =>
        {
            for (var i = 0; i < 50_000; i++)
            {
                budget.Deposit();
                granted[thread] += budget.TryWithdraw() ? 1 : 0;
            }
        });

        (granted.Sum() + WithdrawAll(budget)).ShouldBe((200_000 / 5) + 10);
    }

    [Fact]
    public void Deposit_OnTheHotPath_AllocatesNothing()
    {
        var budget = new RetryBudget(Default, _time);

        Allocations.Of(() =>
        {
            budget.Deposit();
            budget.TryWithdraw();
        }).ShouldBe(0);
    }

    private static RetryBudgetConfig Default => ServicePolicyConfig.Default.RetryBudget;

    private static int WithdrawAll(RetryBudget budget)
    {
        var granted = 0;
        while (budget.TryWithdraw())
        {
            granted++;
        }

        return granted;
    }
}
