using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a TrafficPolicy's <c>retryBudget</c>, <c>concurrency</c> and <c>rateLimit</c>. Pure.</summary>
internal static class LimitsReader
{
    private const int MaxCount = 1_000_000;
    private const int MaxCallers = 64;
    private const int MaxPrincipals = 64;

    private static readonly TimeSpan MinQueueTimeout = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxQueueTimeout = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxInterval = TimeSpan.FromMinutes(1);

    /// <summary>Reads <c>retryBudget</c>.</summary>
    public static RetryBudgetConfig ReadBudget(FieldReader budget)
    {
        var byDefault = new RetryBudgetConfig();
        return new RetryBudgetConfig
        {
            Percent = budget.Integer("percent", 0, 100) ?? byDefault.Percent,
            MinPerSecond = budget.Integer("minPerSecond", 0, MaxCount) ?? byDefault.MinPerSecond,
            Interval = budget.Duration("interval", MinInterval, MaxInterval) ?? byDefault.Interval,
        };
    }

    /// <summary>Reads <c>concurrency</c>.</summary>
    public static Concurrency ReadConcurrency(FieldReader concurrency)
    {
        var byDefault = new ConcurrencyConfig();
        var outbound = new ConcurrencyConfig
        {
            MaxRequests = concurrency.Integer("maxRequests", 1, MaxCount) ?? byDefault.MaxRequests,
            MaxQueued = concurrency.Integer("maxQueued", 0, MaxCount) ?? byDefault.MaxQueued,
            QueueTimeout = concurrency.Duration("queueTimeout", MinQueueTimeout, MaxQueueTimeout) ?? byDefault.QueueTimeout,
        };
        return new Concurrency(outbound, concurrency.Integer("inboundMaxRequests", 1, MaxCount));
    }

    /// <summary>Reads <c>rateLimit</c>.</summary>
    public static Rates ReadRates(FieldReader rates) =>
        new(rates.Object("outbound", ReadBucket), rates.Objects("inbound", 0, MaxCallers, ReadCaller));

    private static CallerRateLimitConfig ReadCaller(FieldReader caller) =>
        new(caller.Texts("principals", MaxPrincipals, Check.Principal, min: 1), ReadBucket(caller));

    private static RateLimitConfig ReadBucket(FieldReader bucket)
    {
        bucket.RequireField("requestsPerSecond");
        var rate = bucket.Integer("requestsPerSecond", 1, MaxCount) ?? 1;
        return new RateLimitConfig(rate, bucket.Integer("burst", 1, MaxCount) ?? rate);
    }

    /// <summary>What is written of it.</summary>
    internal sealed record Concurrency(ConcurrencyConfig Outbound, int? InboundMaxRequests);

    /// <summary>What is written of it.</summary>
    internal sealed record Rates(RateLimitConfig? Outbound, ImmutableArray<CallerRateLimitConfig> Inbound);
}
