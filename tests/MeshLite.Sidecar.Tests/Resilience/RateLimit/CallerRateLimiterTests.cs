using System.Collections.Immutable;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.RateLimit;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.RateLimit;

public sealed class CallerRateLimiterTests
{
    private const string Orders = "spiffe://cluster.local/ns/shop/sa/orders";
    private const string Web = "spiffe://cluster.local/ns/shop/sa/web";

    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData("*", Orders, true)]
    [InlineData("*", null, true)]
    [InlineData(Orders, Orders, true)]
    [InlineData(Orders, Web, false)]
    [InlineData(Orders, null, false)]
    [InlineData(Orders, Orders + "x", false)]
    [InlineData("spiffe://cluster.local/ns/shop/*", Orders, true)]
    [InlineData("spiffe://cluster.local/ns/pay/*", Orders, false)]
    [InlineData("spiffe://cluster.local/ns/SHOP/*", Orders, false)]
    [InlineData("spiffe://cluster.local/ns/shop/*", null, false)]
    [InlineData("*/sa/orders", Orders, true)]
    [InlineData("*/sa/web", Orders, false)]
    [InlineData("*/sa/orders", null, false)]
    public void TryTake_Pattern_LimitsWhomItMatches(string pattern, string? caller, bool matches)
    {
        var limiter = Create(Limit(1, pattern));
        limiter.TryTake(caller, out _).ShouldBeTrue();

        limiter.TryTake(caller, out var retryAfter).ShouldBe(!matches);

        retryAfter.ShouldBe(TimeSpan.FromSeconds(matches ? 1 : 0));
    }

    [Fact]
    public void TryTake_TwoCallersOfOneEntry_EachHasItsBucket()
    {
        var limiter = Create(Limit(2, "*"));

        Taken(limiter, Orders).ShouldBe(2);
        Taken(limiter, Web).ShouldBe(2);
        Taken(limiter, null).ShouldBe(2);
        limiter.Callers.ShouldBe(2);
    }

    [Fact]
    public void TryTake_SeveralEntriesMatch_TheFirstCounts()
    {
        var limiter = Create(Limit(3, Web, Orders), Limit(1, "*"));

        Taken(limiter, Orders).ShouldBe(3);
        Taken(limiter, "spiffe://cluster.local/ns/shop/sa/other").ShouldBe(1);
    }

    [Fact]
    public void TryTake_MoreCallersThanItKeeps_TheRestShareABucket()
    {
        var limiter = Create(Limit(2, "*"));
        for (var i = 0; i < CallerRateLimiter.MaxCallers; i++)
        {
            limiter.TryTake($"caller-{i}", out _).ShouldBeTrue();
        }

        // Everyone's bucket lacks a token, so nobody can be forgotten.
        var beyond = Enumerable.Range(0, 50).Count(i => limiter.TryTake($"stranger-{i}", out _));

        beyond.ShouldBe(2);
        limiter.Callers.ShouldBe(CallerRateLimiter.MaxCallers);
        Taken(limiter, "caller-77").ShouldBe(1);
        Taken(limiter, null).ShouldBe(2);
    }

    [Fact]
    public void TryTake_FullOfIdleCallers_NewOnesGetTheirPlaces()
    {
        var limiter = Create(Limit(2, "*"));
        for (var i = 0; i < CallerRateLimiter.MaxCallers; i++)
        {
            limiter.TryTake($"caller-{i}", out _).ShouldBeTrue();
        }

        _time.Advance(TimeSpan.FromMilliseconds(1100));
        limiter.TryTake("caller-77", out _).ShouldBeTrue();
        limiter.TryTake("caller-77", out _).ShouldBeTrue();

        Taken(limiter, "new-1").ShouldBe(2);
        Taken(limiter, "new-2").ShouldBe(2);
        limiter.Callers.ShouldBe(3);

        // Whose bucket is not full is not forgotten.
        Taken(limiter, "caller-77").ShouldBe(0);
    }

    [Fact]
    public void TryTake_NewCallersNowAndThen_TheIdleAreForgotten()
    {
        var limiter = Create(Limit(2, "*"));
        for (var minute = 0; minute < 20; minute++)
        {
            limiter.TryTake($"caller-{minute}", out _).ShouldBeTrue();
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        limiter.Callers.ShouldBeLessThanOrEqualTo(2);
    }

    [Fact]
    public void Update_EntryUnchanged_KeepsItsBuckets()
    {
        var limiter = Create(Limit(2, Orders), Limit(3, "*"));
        Taken(limiter, Orders).ShouldBe(2);
        Taken(limiter, Web).ShouldBe(3);
        Taken(limiter, null).ShouldBe(3);

        // Another limit for everyone, another order, and one more.
        limiter.Update([Limit(9, "spiffe://elsewhere/*"), Limit(2, Orders), Limit(4, "*")]);

        Taken(limiter, Orders).ShouldBe(0);
        Taken(limiter, Web).ShouldBe(4);
        Taken(limiter, null).ShouldBe(4);
        limiter.Update([Limit(4, "*")]);
        Taken(limiter, Orders).ShouldBe(4);
        Taken(limiter, Web).ShouldBe(0);
        limiter.Update([]);
        limiter.TryTake(Web, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task TryTake_ManyThreadsMeetNewCallers_NoCallerGetsTwoBuckets()
    {
        var limiter = Create(Limit(10, "*"));
        var taken = new int[4];

        await InParallel.RunAsync(thread =>
        {
            for (var i = 0; i < 40_000; i++)
            {
                taken[thread] += limiter.TryTake($"caller-{i / 20}", out _) ? 1 : 0;
            }
        });

        taken.Sum().ShouldBe(20_000);
        limiter.Callers.ShouldBe(2_000);
    }

    [Fact]
    public async Task TryTake_WhileLimitsChange_NoEntryForgetsWhatWasTaken()
    {
        ImmutableArray<CallerRateLimitConfig> first = [Limit(1000, "*")];
        ImmutableArray<CallerRateLimitConfig> second = [Limit(1, "spiffe://elsewhere/*"), Limit(1000, "*")];
        var limiter = new CallerRateLimiter(first, _time);
        var taken = new int[4];
        await InParallel.RunAsync(thread =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                if (thread == 0)
                {
                    limiter.Update(i % 2 == 0 ? second : first);
                }
                else
                {
                    taken[thread] += limiter.TryTake(Orders, out _) ? 1 : 0;
                }
            }
        });

        taken.Sum().ShouldBe(1000);
        limiter.Callers.ShouldBe(1);
    }

    [Fact]
    public void TryTake_KnownCallerOrNone_AllocatesNothing()
    {
        var limiter = Create(Limit(5, Web), Limit(5, "*"));

        Allocations.Of(() =>
        {
            limiter.TryTake(Orders, out _);
            limiter.TryTake(null, out _);
        }).ShouldBe(0);
    }

    private CallerRateLimiter Create(params CallerRateLimitConfig[] limits) => new([.. limits], _time);

    private static CallerRateLimitConfig Limit(int burst, params string[] principals) => new([.. principals], new RateLimitConfig(1, burst));

    private static int Taken(CallerRateLimiter limiter, string? caller)
    {
        var taken = 0;
        while (limiter.TryTake(caller, out _))
        {
            taken++;
        }

        return taken;
    }
}
