using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.CircuitBreaker;

public sealed class FailureTallyTests
{
    private static readonly FailureThresholds Endpoint = FailureThresholds.Of(new EndpointCircuitConfig());
    private readonly ManualTimeProvider _time = new();
    private readonly FailureTally _tally;

    public FailureTallyTests() => _tally = new FailureTally(_time);

    [Fact]
    public void Of_BothConfigs_TakesTheirFields()
    {
        FailureThresholds.Of(new EndpointCircuitConfig { ConsecutiveFailures = 3, FailureRatio = 0.4, MinimumRequests = 7, Window = TimeSpan.FromSeconds(9) })
            .ShouldBe(new FailureThresholds(3, 0.4, 7, TimeSpan.FromSeconds(9)));
        FailureThresholds.Of(new DestinationCircuitConfig { ConsecutiveFailures = 4, FailureRatio = 0.3, MinimumRequests = 8, Window = TimeSpan.FromSeconds(6) })
            .ShouldBe(new FailureThresholds(4, 0.3, 8, TimeSpan.FromSeconds(6)));
    }

    [Fact]
    public void Failure_FiveInARow_AreTooMany()
    {
        Failures(4, Endpoint).ShouldBeFalse();
        _tally.Success(Endpoint);
        Failures(4, Endpoint).ShouldBeFalse();

        _tally.Failure(Endpoint).ShouldBeTrue();
        _tally.Failure(Endpoint).ShouldBeTrue();
    }

    [Fact]
    public void Failure_HalfOfTwenty_AreTooMany()
    {
        // Never two in a row.
        for (var i = 0; i < 9; i++)
        {
            _tally.Failure(Endpoint).ShouldBeFalse();
            _tally.Success(Endpoint);
        }

        _tally.Success(Endpoint);
        _tally.Failure(Endpoint).ShouldBeTrue();
    }

    /// <summary>Where the product of ratio and requests is not exact in binary, the share that is meant still counts.</summary>
    [Fact]
    public void Failure_ExactlyTheRatio_IsTooMany()
    {
        for (var percent = 1; percent <= 100; percent++)
        {
            var thresholds = new FailureThresholds(0, percent / 100.0, 100, TimeSpan.FromSeconds(10));
            _tally.Clear();
            for (var i = 0; i < 100 - percent; i++)
            {
                _tally.Success(thresholds);
            }

            Failures(percent - 1, thresholds).ShouldBeFalse();
            _tally.Failure(thresholds).ShouldBeTrue();
        }
    }

    [Fact]
    public void Failure_CriteriaSwitchedOff_NeverTooMany() =>
        Failures(1000, new FailureThresholds(0, 0, 0, TimeSpan.FromSeconds(10))).ShouldBeFalse();

    [Fact]
    public void Failure_WindowChanged_InARowIsStillKnown()
    {
        Failures(4, Endpoint).ShouldBeFalse();

        _tally.Failure(Endpoint with { Window = TimeSpan.FromSeconds(20) }).ShouldBeTrue();
    }

    [Fact]
    public void Clear_AfterFailures_ForgetsBoth()
    {
        Failures(20, Endpoint with { InARow = 0 }).ShouldBeTrue();
        _tally.Clear();

        Failures(4, Endpoint).ShouldBeFalse();
        Failures(15, Endpoint with { InARow = 0 }).ShouldBeFalse();
        _tally.Failure(Endpoint with { InARow = 0 }).ShouldBeTrue();
    }

    [Fact]
    public void Failure_AnyHistoryAndThresholds_JudgesByTheDefinition() => Prop.ForAll(
        (from inARow in Gen.Choose(0, 6)
         from ratio in Gen.Choose(0, 20)
         from minimum in Gen.Choose(0, 20)
         from steps in Gen.OneOf(Gen.Choose(0, 100), Gen.Choose(0, 5000)).Zip(Gen.Choose(0, 2)).ListOf()
         select (inARow, ratio, minimum, steps)).ToArbitrary(),
        drawn =>
        {
            var time = new ManualTimeProvider();
            var tally = new FailureTally(time);
            var thresholds = new FailureThresholds(drawn.inARow, drawn.ratio / 20.0, drawn.minimum, TimeSpan.FromSeconds(10));
            var history = new List<(long Second, bool Failed)>();
            var now = 0L;
            long? firstSeen = null;
            foreach (var (wait, outcome) in drawn.steps)
            {
                time.Advance(TimeSpan.FromMilliseconds(wait));
                now += wait;
                // Slots begin with the first outcome.
                firstSeen ??= now;
                history.Add(((now - firstSeen.Value) / 1000, outcome == 0));
                if (outcome != 0)
                {
                    tally.Success(thresholds);
                    continue;
                }

                var inARow = Enumerable.Reverse(history).TakeWhile(h => h.Failed).Count();
                var within = history.Where(h => history[^1].Second - h.Second < 10).ToList();
                var byRow = drawn.inARow > 0 && inARow >= drawn.inARow;
                var byRatio = drawn.ratio > 0 && within.Count >= drawn.minimum && 20 * within.Count(h => h.Failed) >= drawn.ratio * within.Count;
                tally.Failure(thresholds).ShouldBe(byRow || byRatio);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Failure_FromManyThreads_ExactlyOneIsTheNth()
    {
        var thresholds = new FailureThresholds(4 * 10_000, 0, 0, TimeSpan.FromSeconds(10));
        var tooMany = new int[4];

        await InParallel.RunAsync(thread => tooMany[thread] = Enumerable.Range(0, 10_000).Count(_ => _tally.Failure(thresholds)));

        tooMany.Sum().ShouldBe(1);
    }

    [Fact]
    public void Record_OnTheAttemptPath_AllocatesNothing() => Allocations.Of(() =>
    {
        _tally.Success(Endpoint);
        _tally.Failure(Endpoint);
    }).ShouldBe(0);

    /// <summary>Whether any of so many failures was said to be one too many.</summary>
    private bool Failures(int count, FailureThresholds thresholds) => Enumerable.Range(0, count).Count(_ => _tally.Failure(thresholds)) > 0;
}
