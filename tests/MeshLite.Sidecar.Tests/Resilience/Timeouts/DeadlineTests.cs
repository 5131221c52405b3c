using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Timeouts;

public sealed class DeadlineTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Remaining_AsTimePasses_ShrinksToZero()
    {
        var deadline = Rule(2);
        deadline.Remaining(_time.GetTimestamp()).ShouldBe(TimeSpan.FromSeconds(2));
        deadline.HasPassed(_time.GetTimestamp()).ShouldBeFalse();

        _time.Advance(TimeSpan.FromSeconds(1.5));
        deadline.Remaining(_time.GetTimestamp()).ShouldBe(TimeSpan.FromSeconds(0.5));

        _time.Advance(TimeSpan.FromSeconds(0.5));
        deadline.Remaining(_time.GetTimestamp()).ShouldBe(TimeSpan.Zero);
        deadline.HasPassed(_time.GetTimestamp()).ShouldBeTrue();

        _time.Advance(TimeSpan.FromSeconds(1));
        deadline.Remaining(_time.GetTimestamp()).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void None_EvenAfterYears_NeverPasses()
    {
        _time.Advance(TimeSpan.FromDays(10_000));

        Deadline.None.IsNone.ShouldBeTrue();
        Deadline.None.HasPassed(_time.GetTimestamp()).ShouldBeFalse();
        Deadline.None.Remaining(_time.GetTimestamp()).ShouldBe(TimeSpan.MaxValue);
        Deadline.Earlier(Deadline.None, Deadline.None).IsNone.ShouldBeTrue();
    }

    [Fact]
    public void Earlier_RuleAndCaller_SaysWhoseItWas()
    {
        Deadline.Earlier(Rule(2), Caller(1)).Source.ShouldBe(DeadlineSource.Caller);
        Deadline.Earlier(Caller(1), Rule(2)).Source.ShouldBe(DeadlineSource.Caller);
        Deadline.Earlier(Rule(1), Caller(2)).Source.ShouldBe(DeadlineSource.Rule);
        Deadline.Earlier(Caller(2), Rule(2)).Source.ShouldBe(DeadlineSource.Rule);
        Deadline.Earlier(Rule(2), Caller(2)).Source.ShouldBe(DeadlineSource.Rule);
        Deadline.Earlier(Caller(2), Deadline.None).Source.ShouldBe(DeadlineSource.Caller);
        Deadline.Earlier(Deadline.None, Caller(2)).Source.ShouldBe(DeadlineSource.Caller);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    public void FromNow_NothingLeft_HasPassed(int seconds) => Rule(seconds).HasPassed(_time.GetTimestamp()).ShouldBeTrue();

    [Fact]
    public void FromNow_PastTheClocksRange_IsItsEnd()
    {
        var deadline = Deadline.FromNow(_time, TimeSpan.MaxValue, DeadlineSource.Caller);

        deadline.HasPassed(_time.GetTimestamp()).ShouldBeFalse();
        deadline.Remaining(_time.GetTimestamp()).ShouldBeGreaterThan(TimeSpan.FromDays(365 * 1000));
        Deadline.Earlier(deadline, Rule(1)).Source.ShouldBe(DeadlineSource.Rule);
    }

    /// <summary>However many are combined, in whatever order: none is exceeded, and one of them is met exactly.</summary>
    [Fact]
    public void Earlier_AnyNumber_IsTheSmallestOfThem() => Prop.ForAll(
        Gen.Choose(-5, 1_000_000).Two().NonEmptyListOf().ToArbitrary(),
        drawn =>
        {
            var now = _time.GetTimestamp();
            var combined = drawn.Aggregate(Deadline.None, (sum, d) => Deadline.Earlier(sum, Deadline.After(_time, now + d.Item1, TimeSpan.FromTicks(d.Item2), DeadlineSource.Caller)));

            combined.Remaining(now).Ticks.ShouldBe(Math.Max(0, drawn.Min(d => d.Item1 + Math.Max(0, d.Item2))));
        }).QuickCheckThrowOnFailure();

    private Deadline Rule(double seconds) => Deadline.FromNow(_time, TimeSpan.FromSeconds(seconds), DeadlineSource.Rule);

    private Deadline Caller(double seconds) => Deadline.FromNow(_time, TimeSpan.FromSeconds(seconds), DeadlineSource.Caller);
}
