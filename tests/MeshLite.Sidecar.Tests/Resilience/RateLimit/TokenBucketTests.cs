using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.RateLimit;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.RateLimit;

public sealed class TokenBucketTests
{
    private static readonly Gen<RateLimitConfig> Limits =
        from rate in Gen.OneOf(Gen.Choose(1, 10), Gen.Choose(1, 1_000), Gen.Choose(1, 1_000_000))
        from burst in Gen.OneOf(Gen.Choose(1, 3), Gen.Choose(1, 50))
        select new RateLimitConfig(rate, burst);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void TryTake_AnyHistory_NoStretchExceedsBurstPlusRateTimesT() =>
        Prop.ForAll(Limits.ToArbitrary(), Waits(150).ToArbitrary(), (limit, waits) =>
        {
            var bucket = new TokenBucket(limit, _time);
            var taken = new List<long>();
            foreach (var wait in waits)
            {
                _time.Advance(InTokens(limit, wait));
                if (bucket.TryTake(out _))
                {
                    taken.Add(_time.GetTimestamp());
                }
            }

            for (var from = 0; from < taken.Count; from++)
            {
                for (var to = from; to < taken.Count; to++)
                {
                    // In ticks × tokens, so that nothing is rounded.
                    var passed = (to - from + 1) * TimeSpan.TicksPerSecond;
                    passed.ShouldBeLessThanOrEqualTo((limit.Burst * TimeSpan.TicksPerSecond) + (limit.RequestsPerSecond * (taken[to] - taken[from])));
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryTake_AnyHistory_RefusesOnlyWhereTheBucketIsEmpty() =>
        Prop.ForAll(Limits.ToArbitrary(), Waits(300).ToArbitrary(), (limit, waits) =>
        {
            var bucket = new TokenBucket(limit, _time);
            var tokens = (double)limit.Burst;
            foreach (var wait in waits)
            {
                var passed = InTokens(limit, wait);
                _time.Advance(passed);
                tokens = Math.Min(tokens + (passed.TotalSeconds * limit.RequestsPerSecond), limit.Burst);
                var taken = bucket.TryTake(out _);

                // The interval is rounded up by less than 1/16,000.
                (taken ? tokens : 1 - tokens).ShouldBeGreaterThan(taken ? 1 - 1e-9 : -limit.Burst / 16_000.0);
                tokens -= taken ? 1 : 0;
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryTake_Empty_SaysExactlyWhenTheNextTokenComes() =>
        Prop.ForAll(Limits.ToArbitrary(), Waits(50).ToArbitrary(), (limit, waits) =>
        {
            var bucket = new TokenBucket(limit, _time);
            foreach (var wait in waits)
            {
                _time.Advance(InTokens(limit, wait));
                if (bucket.TryTake(out var retryAfter))
                {
                    retryAfter.ShouldBe(TimeSpan.Zero);
                    continue;
                }

                retryAfter.ShouldBeInRange(TimeSpan.FromTicks(1), TimeSpan.FromSeconds(1.0 / limit.RequestsPerSecond) + TimeSpan.FromTicks(2));
                _time.Advance(retryAfter - TimeSpan.FromTicks(1));
                bucket.TryTake(out _).ShouldBeFalse();
                _time.Advance(TimeSpan.FromTicks(1));
                bucket.TryTake(out _).ShouldBeTrue();
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryTake_SteadyOverload_PassesTheRateAndNoLess()
    {
        var bucket = new TokenBucket(new RateLimitConfig(300_000, 2), _time);
        var taken = 0;
        for (var i = 0; i < 1_000_000; i++)
        {
            taken += bucket.TryTake(out _) ? 1 : 0;
            _time.Advance(TimeSpan.FromTicks(10));
        }

        // One second. A token comes each 3.33 µs and is asked for each microsecond; a burst of 2 keeps the thirds.
        taken.ShouldBeInRange(299_900, 300_002);
    }

    [Fact]
    public void Update_EmptyBucket_StaysEmptyAndFillsAtTheNewRate() =>
        Prop.ForAll(Limits.ToArbitrary(), Limits.ToArbitrary(), (before, after) =>
        {
            var bucket = new TokenBucket(before, _time);
            while (bucket.TryTake(out _))
            {
            }

            bucket.Update(after);

            var missing = Math.Min(before.Burst, after.Burst);
            var left = 0;
            while (bucket.TryTake(out _))
            {
                left++;
            }

            // Half a token may have been there, and what was missing of the old burst is missing of the new one.
            left.ShouldBe(after.Burst - missing);
            bucket.TryTake(out var retryAfter).ShouldBeFalse();
            retryAfter.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(1.0 / after.RequestsPerSecond) + TimeSpan.FromTicks(2));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void IsFull_TokensTaken_IsSoAgainOnceTheyCameBack()
    {
        var bucket = new TokenBucket(new RateLimitConfig(10, 5), _time);
        bucket.IsFull.ShouldBeTrue();

        bucket.TryTake(out _);
        bucket.TryTake(out _);

        _time.Advance(TimeSpan.FromMilliseconds(199));
        bucket.IsFull.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        bucket.IsFull.ShouldBeTrue();
    }

    [Fact]
    public async Task TryTake_FromManyThreads_NotOneMoreThanTheBurst()
    {
        var bucket = new TokenBucket(new RateLimitConfig(1, 100_000), _time);
        var taken = new int[4];

        await InParallel.RunAsync(thread => taken[thread] = Enumerable.Range(0, 50_000).Count(_ => bucket.TryTake(out var _)));

        taken.Sum().ShouldBe(100_000);
    }

    [Fact]
    public async Task Update_WhileOthersTake_NotOneMoreThanTheBurst()
    {
        for (var round = 0; round < 20; round++)
        {
            var limit = new RateLimitConfig(1000, 10_000);
            var bucket = new TokenBucket(limit, _time);
            var taken = new int[4];
            await InParallel.RunAsync(thread =>
            {
                for (var i = 0; i < 10_000; i++)
                {
                    if (thread == 0)
                    {
                        bucket.Update(limit);
                    }
                    else
                    {
                        taken[thread] += bucket.TryTake(out _) ? 1 : 0;
                    }
                }
            });

            taken.Sum().ShouldBeLessThanOrEqualTo(10_000);
        }
    }

    [Fact]
    public void TryTake_Always_AllocatesNothing()
    {
        var bucket = new TokenBucket(new RateLimitConfig(1, 5), _time);

        Allocations.Of(() => bucket.TryTake(out _)).ShouldBe(0);
    }

    /// <summary>Pauses in hundredths of the time one token takes; most are short.</summary>
    private static Gen<int[]> Waits(int count) =>
        Gen.Frequency((5, Gen.Constant(0)), (5, Gen.Choose(1, 150)), (1, Gen.Choose(100, 3_000))).ArrayOf(count);

    private static TimeSpan InTokens(RateLimitConfig limit, int hundredths) =>
        TimeSpan.FromTicks(TimeSpan.TicksPerSecond * hundredths / (100L * limit.RequestsPerSecond));
}
