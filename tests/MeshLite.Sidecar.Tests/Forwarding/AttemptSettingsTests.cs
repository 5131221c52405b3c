using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Forwarding;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class AttemptSettingsTests
{
    [Theory]
    [InlineData(1, 25)]
    [InlineData(2, 50)]
    [InlineData(3, 100)]
    [InlineData(4, 200)]
    [InlineData(5, 250)]
    [InlineData(6, 250)]
    [InlineData(100, 250)]
    public void Backoff_LuckAtItsWorst_IsTheBound(int retry, int milliseconds) =>
        With(new Luck(1)).Backoff(retry).ShouldBe(TimeSpan.FromMilliseconds(milliseconds));

    [Fact]
    public void Backoff_AnyRetry_IsFullJitter() => Prop.ForAll(
        (from retry in Gen.Choose(1, int.MaxValue) from luck in Gen.Choose(0, 1000) select (retry, luck)).ToArbitrary(),
        drawn =>
        {
            var bound = With(new Luck(1)).Backoff(drawn.retry);
            bound.ShouldBeInRange(AttemptSettings.BackoffBase, AttemptSettings.BackoffCap);
            var wait = With(new Luck(drawn.luck / 1000.0)).Backoff(drawn.retry);
            wait.TotalMilliseconds.ShouldBe(bound.TotalMilliseconds * drawn.luck / 1000.0, 0.001);
        }).QuickCheckThrowOnFailure();

    private static AttemptSettings With(Random random) => new(new ManualTimeProvider(), random);

    private sealed class Luck(double value) : Random
    {
        public override double NextDouble() => value;
    }
}
