using FsCheck;
using FsCheck.Fluent;
using MeshLite.Hosting;

namespace MeshLite.ControlPlane.Tests.Hosting;

public sealed class ResetBudgetTests
{
    [Fact]
    public void Ended_NothingButResets_AsksThenCuts()
    {
        var budget = new ResetBudget();

        var verdicts = Enumerable.Range(1, ResetBudget.Full + ResetBudget.Grace).Select(_ => budget.Ended(reset: true)).ToList();

        verdicts.IndexOf(ResetVerdict.Ask).ShouldBe(ResetBudget.Full - 1);
        verdicts.IndexOf(ResetVerdict.Cut).ShouldBe(ResetBudget.Full + ResetBudget.Grace - 1);
        verdicts.Count(verdict => verdict == ResetVerdict.GoOn).ShouldBe(verdicts.Count - 2);
    }

    [Fact]
    public void Ended_AsManyFinishAsAreReset_GoesOnForEver()
    {
        var budget = new ResetBudget();

        Enumerable.Range(0, 100_000).Select(i => budget.Ended(reset: i % 2 == 0)).ShouldAllBe(verdict => verdict == ResetVerdict.GoOn);
    }

    /// <summary>Against the rule as it is told: a balance from full, one back for each that finishes while there is any, never above full; empty asks, and so many more cut.</summary>
    [Fact]
    public void Ended_AnyRuns_IsTheBalance() =>
        Prop.ForAll(Gen.Choose(0, 3000).Zip(Gen.Choose(0, 1500)).ListOf().ToArbitrary(), runs =>
        {
            var budget = new ResetBudget();
            var balance = ResetBudget.Full;
            foreach (var (resets, finished) in runs)
            {
                foreach (var reset in Enumerable.Repeat(true, resets).Concat(Enumerable.Repeat(false, finished)))
                {
                    var before = balance;
                    balance = reset ? balance - 1 : balance > 0 ? Math.Min(balance + 1, ResetBudget.Full) : balance;
                    var expected = reset && balance <= -ResetBudget.Grace ? ResetVerdict.Cut : before == 1 && balance == 0 ? ResetVerdict.Ask : ResetVerdict.GoOn;
                    if (budget.Ended(reset) != expected)
                    {
                        return false;
                    }
                }
            }

            return true;
        }).QuickCheckThrowOnFailure();
}
