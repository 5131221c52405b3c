using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Retry;

/// <summary>Random histories of requests and retries, checked against the bound and against a plain ledger.</summary>
public sealed class RetryBudgetBoundTests
{
    /// <summary>What happens at one moment, the moment being <c>Wait</c> ms after the last.</summary>
    private sealed record Step(int Wait, int Requests, int Wanted);

    private sealed record History(RetryBudgetConfig Config, IList<Step> Steps);

    private static readonly Gen<Step> Steps =
        from wait in Gen.OneOf(Gen.Choose(0, 120), Gen.Choose(0, 3000), Gen.Elements(0, 100, 900, 1000, 9000, 10_000))
        from requests in Gen.OneOf(Gen.Choose(0, 3), Gen.Choose(0, 200))
        from wanted in Gen.OneOf(Gen.Choose(0, 3), Gen.Choose(0, 100))
        select new Step(wait, requests, wanted);

    private static readonly Gen<History> Histories =
        from percent in Gen.OneOf(Gen.Choose(0, 100), Gen.Constant(20))
        from minimum in Gen.OneOf(Gen.Choose(0, 20), Gen.Constant(0))
        from interval in Gen.Elements(1, 5, 10, 60)
        from steps in Gen.ListOf(Steps, 60)
        select new History(new RetryBudgetConfig { Percent = percent, MinPerSecond = minimum, Interval = TimeSpan.FromSeconds(interval) }, steps);

    /// <summary>
    /// In any stretch T: retries ≤ percent/100 × requests in (T + interval) + minPerSecond × ⌈T + one slot⌉. Stretches from
    /// one retry to another are the tightest.
    /// </summary>
    [Fact]
    public void TryWithdraw_AnyHistory_KeepsTheBoundOverEveryStretch() => Prop.ForAll(Histories.ToArbitrary(), history =>
    {
        var time = new ManualTimeProvider();
        var budget = new RetryBudget(history.Config, time);
        var moments = new List<(long Milliseconds, int Requests, int Retries)>();
        var now = 0L;
        foreach (var step in history.Steps)
        {
            time.Advance(TimeSpan.FromMilliseconds(step.Wait));
            now += step.Wait;
            moments.Add((now, step.Requests, Play(budget, step)));
        }

        var interval = (long)history.Config.Interval.TotalMilliseconds;
        for (var from = 0; from < moments.Count; from++)
        {
            var retries = 0;
            for (var to = from; to < moments.Count; to++)
            {
                retries += moments[to].Retries;
                var stretch = moments[to].Milliseconds - moments[from].Milliseconds;
                var requests = moments.Take(to + 1).Where(m => m.Milliseconds >= moments[from].Milliseconds - interval).Sum(m => m.Requests);
                var minimum = history.Config.MinPerSecond * ((stretch + 100 + 999) / 1000);
                (100L * retries).ShouldBeLessThanOrEqualTo((long)history.Config.Percent * requests + (100 * minimum));
            }
        }
    }).QuickCheckThrowOnFailure();

    /// <summary>Not only never too many: exactly those that a ledger of single tokens, each with its time, grants.</summary>
    [Fact]
    public void TryWithdraw_AnyHistory_GrantsWhatALedgerOfTokensGrants() => Prop.ForAll(Histories.ToArbitrary(), history =>
    {
        var time = new ManualTimeProvider();
        var budget = new RetryBudget(history.Config, time);
        var slot = (long)history.Config.Interval.TotalMilliseconds / 10;
        var units = new Queue<long>();
        var minimumSpent = new List<long>();
        var now = 0L;
        foreach (var step in history.Steps)
        {
            time.Advance(TimeSpan.FromMilliseconds(step.Wait));
            now += step.Wait;
            for (var i = 0; i < step.Requests * history.Config.Percent; i++)
            {
                units.Enqueue(now / slot);
            }

            while (units.TryPeek(out var made) && made <= (now / slot) - 10)
            {
                units.Dequeue();
            }

            var granted = 0;
            for (var i = 0; i < step.Wanted; i++)
            {
                if (minimumSpent.Count(spent => spent > (now / 100) - 10) < history.Config.MinPerSecond)
                {
                    minimumSpent.Add(now / 100);
                    granted++;
                }
                else if (units.Count >= 100)
                {
                    granted++;
                    for (var unit = 0; unit < 100; unit++)
                    {
                        units.Dequeue();
                    }
                }
            }

            Play(budget, step).ShouldBe(granted);
        }
    }).QuickCheckThrowOnFailure();

    private static int Play(RetryBudget budget, Step step)
    {
        for (var i = 0; i < step.Requests; i++)
        {
            budget.Deposit();
        }

        return Enumerable.Range(0, step.Wanted).Count(_ => budget.TryWithdraw());
    }
}
