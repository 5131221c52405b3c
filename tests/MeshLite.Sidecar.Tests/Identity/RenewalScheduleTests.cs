using FsCheck;
using FsCheck.Fluent;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class RenewalScheduleTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void RenewAt_AnyLife_IsTwoThirdsGiveOrTakeATenth() => Prop.ForAll(
        Gen.Choose(10, 90 * 24 * 3600).Two().ToArbitrary(),
        pair =>
        {
            var (seconds, seed) = (pair.Item1, pair.Item2);
            var renewAt = new RenewalSchedule(new Random(seed)).RenewAt(Now - SvidProfile.Backdate, Now.AddSeconds(seconds));
            var share = (renewAt - Now) / TimeSpan.FromSeconds(seconds);
            return share is >= 0.6 - 1e-6 and <= 0.7333334;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void RenewAt_ManyWorkloads_SpreadOverTheWholeRange()
    {
        var schedule = new RenewalSchedule(new Random(1));
        var shares = Enumerable.Range(0, 2000)
            .Select(_ => (schedule.RenewAt(Now - SvidProfile.Backdate, Now.AddHours(24)) - Now) / TimeSpan.FromHours(24)).ToList();

        shares.Min().ShouldBeLessThan(0.602);
        shares.Max().ShouldBeGreaterThan(0.731);
        shares.Average().ShouldBe(2.0 / 3.0, 0.003);
    }

    [Fact]
    public void RenewAt_IssuerThatDoesNotBackdate_CountsFromNotBefore()
    {
        var renewAt = new RenewalSchedule(new Random(1)).RenewAt(Now, Now.AddSeconds(20));

        (renewAt - Now).ShouldBeInRange(TimeSpan.FromSeconds(12), TimeSpan.FromSeconds(14.7));
    }

    [Fact]
    public void Backoff_AnyFailures_StaysBelowItsBounds() => Prop.ForAll(
        Gen.Choose(1, 10_000).SelectMany(f => Gen.Choose(-10, 100_000).Select(r => (Failures: f, Remaining: r))).ToArbitrary(),
        input =>
        {
            var remaining = TimeSpan.FromSeconds(input.Remaining);
            var wait = new RenewalSchedule(new Random(input.Failures)).Backoff(input.Failures, remaining);
            var grown = 0.1 * Math.Pow(2, Math.Min(input.Failures, 100) - 1);
            var urgent = input.Remaining > 0 ? Math.Max(1, input.Remaining / 10.0) : 10;
            return wait >= TimeSpan.Zero && wait.TotalSeconds <= Math.Min(10, Math.Min(grown, urgent)) + 1e-6;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Backoff_ManyFailures_ReachesItsBound()
    {
        var schedule = new RenewalSchedule(new Random(1));

        Enumerable.Range(0, 1000).Max(_ => schedule.Backoff(50, TimeSpan.Zero)).ShouldBeGreaterThan(TimeSpan.FromSeconds(9.5));
        Enumerable.Range(0, 1000).Max(_ => schedule.Backoff(50, TimeSpan.FromSeconds(3))).ShouldBeGreaterThan(TimeSpan.FromSeconds(0.95));
    }
}
