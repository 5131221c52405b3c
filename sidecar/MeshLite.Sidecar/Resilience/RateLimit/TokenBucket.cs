using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.RateLimit;

/// <summary>
/// A token bucket, full at first, as the Generic Cell Rate Algorithm in its virtual-scheduling form (ITU-T I.371, annex A;
/// https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): one word, the theoretical arrival time (TAT) of the next
/// request if all kept to the rate. With <c>T = 1/rate</c> and <c>τ = (burst − 1)·T</c> a request at <c>t</c> conforms if
/// <c>TAT − t ≤ τ</c>, and then <c>TAT ← max(TAT, t) + T</c>. Over any stretch of t seconds at most burst + rate·t pass.
/// Lock-free, no allocation. Thread-safe.
/// </summary>
internal sealed class TokenBucket
{
    // Times in sixteenths of a nanosecond: T, rounded up, is right to 1/16,000 at a million a second; 63 bits last 18 years.
    private const long UnitsPerTick = 1600;
    private const long UnitsPerSecond = UnitsPerTick * TimeSpan.TicksPerSecond;

    private readonly TimeProvider _time;
    private readonly long _origin;
    private Bucket _bucket;

    /// <summary>Makes a full one.</summary>
    public TokenBucket(RateLimitConfig config, TimeProvider time)
    {
        _time = time;
        _origin = time.GetTimestamp();
        _bucket = new Bucket(config);
    }

    /// <summary>Whether it holds all its tokens, so that a new one would behave the same.</summary>
    public bool IsFull => Volatile.Read(ref Volatile.Read(ref _bucket).Tat) <= Now();

    /// <summary>Takes a token. False: there is none; the next comes in <paramref name="retryAfter"/>, if nobody else takes it.</summary>
    public bool TryTake(out TimeSpan retryAfter)
    {
        var now = Now();
        var bucket = Volatile.Read(ref _bucket);
        var seen = Volatile.Read(ref bucket.Tat);
        while (true)
        {
            if (seen == Bucket.Closed)
            {
                bucket = bucket.Next!;
                seen = Volatile.Read(ref bucket.Tat);
                continue;
            }

            var ahead = seen - now;
            if (ahead > bucket.Tolerance)
            {
                retryAfter = TimeSpan.FromTicks((ahead - bucket.Tolerance + UnitsPerTick - 1) / UnitsPerTick);
                return false;
            }

            var was = Interlocked.CompareExchange(ref bucket.Tat, Math.Max(seen, now) + bucket.Interval, seen);
            if (was == seen)
            {
                retryAfter = TimeSpan.Zero;
                return true;
            }

            seen = was;
        }
    }

    /// <summary>Another limit from now on: tokens that are missing stay missing, up to the new burst. By one thread at a time.</summary>
    public void Update(RateLimitConfig config)
    {
        var bucket = _bucket;
        var now = Now();
        var next = bucket.Next = new Bucket(config);
        long seen;
        do
        {
            seen = Volatile.Read(ref bucket.Tat);
            var missing = (double)Math.Max(seen - now, 0) / bucket.Interval;
            next.Tat = now + (long)Math.Ceiling(Math.Min(missing, config.Burst) * next.Interval);
        }
        while (Interlocked.CompareExchange(ref bucket.Tat, Bucket.Closed, seen) != seen);

        Volatile.Write(ref _bucket, next);
    }

    private long Now() => _time.GetElapsedTime(_origin).Ticks * UnitsPerTick;

    /// <summary>A limit and the word that goes with it; replaced together. Closed first, so that no token is taken from one already counted.</summary>
    private sealed class Bucket
    {
        public const long Closed = long.MaxValue;

        public readonly long Interval;
        public readonly long Tolerance;
        public long Tat;
        public Bucket? Next;

        public Bucket(RateLimitConfig config)
        {
            Interval = (UnitsPerSecond + config.RequestsPerSecond - 1) / config.RequestsPerSecond;
            Tolerance = (config.Burst - 1) * Interval;
        }
    }
}
