using System.Collections.Concurrent;
using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.RateLimit;

/// <summary>
/// Rate limits of a workload's callers: the first entry that matches a caller's identity gives it a bucket of its own.
/// Callers without identity share one, and so do those beyond <see cref="MaxCallers"/>: nobody is unlimited for being
/// one too many. A bucket that has filled up again is as good as a new one, so those are what is forgotten.
/// Lock-free where a caller is known. Thread-safe; <see cref="Update"/> by one thread at a time.
/// </summary>
internal sealed class CallerRateLimiter
{
    /// <value>Callers with a bucket of their own. 10,000.</value>
    public const int MaxCallers = 10_000;

    /// <value>How often those who are idle are looked for, while new ones come. 1 min; 1 s where there is no room.</value>
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SweepFullEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Caller> _callers = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly Lock _sweep = new();
    private Entry[] _entries;
    private int _count;
    private long _swept;

    /// <summary>Nobody has called yet.</summary>
    public CallerRateLimiter(ImmutableArray<CallerRateLimitConfig> limits, TimeProvider time)
    {
        _time = time;
        _swept = time.GetTimestamp();
        _entries = [.. limits.Select(limit => new Entry(limit, time))];
    }

    /// <summary>Callers that have a bucket of their own now.</summary>
    public int Callers => Volatile.Read(ref _count);

    /// <summary>
    /// Whether a caller may go on; null: one without identity. False: its bucket is empty, the next token comes in
    /// <paramref name="retryAfter"/>. A caller none of the limits is about always may.
    /// </summary>
    public bool TryTake(string? identity, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        var entries = Volatile.Read(ref _entries);
        if (entries.Length == 0)
        {
            return true;
        }

        if (identity is not null && _callers.TryGetValue(identity, out var caller) && caller.Entries == entries)
        {
            return caller.Bucket.TryTake(out retryAfter);
        }

        foreach (var limit in entries)
        {
            if (limit.Matches(identity))
            {
                return (identity is null ? limit.WithoutIdentity : BucketOf(identity, limit, entries)).TryTake(out retryAfter);
            }
        }

        return true;
    }

    /// <summary>Other limits from now on. Entries that are the same as before keep their buckets as they are.</summary>
    public void Update(ImmutableArray<CallerRateLimitConfig> limits)
    {
        var before = _entries.ToList();
        var after = new Entry[limits.Length];
        for (var i = 0; i < after.Length; i++)
        {
            var known = before.FindIndex(entry => entry.IsOf(limits[i]));
            after[i] = known < 0 ? new Entry(limits[i], _time) : before[known];
            if (known >= 0)
            {
                before.RemoveAt(known); // of two equal entries each keeps its own
            }
        }

        if (!after.SequenceEqual(_entries))
        {
            Volatile.Write(ref _entries, after);
        }
    }

    private TokenBucket BucketOf(string identity, Entry limit, Entry[] entries)
    {
        while (true)
        {
            if (_callers.TryGetValue(identity, out var known))
            {
                // Found under earlier limits: the same entry, or from now on another.
                var bucket = known.Limit == limit ? known.Bucket : new TokenBucket(limit.Config.Limit, _time);
                if (known.Entries == entries || _callers.TryUpdate(identity, new Caller(entries, limit, bucket), known))
                {
                    return bucket;
                }

                continue;
            }

            SweepIfDue();
            if (Interlocked.Increment(ref _count) > MaxCallers)
            {
                Interlocked.Decrement(ref _count);
                return limit.BeyondMaximum;
            }

            var added = new Caller(entries, limit, new TokenBucket(limit.Config.Limit, _time));
            if (_callers.TryAdd(identity, added))
            {
                return added.Bucket;
            }

            Interlocked.Decrement(ref _count);
        }
    }

    /// <summary>Forgets who has a full bucket. A request that has found its bucket just before it is forgotten costs no token.</summary>
    private void SweepIfDue()
    {
        var every = Callers < MaxCallers ? SweepEvery : SweepFullEvery;
        if (_time.GetElapsedTime(Volatile.Read(ref _swept)) < every || !_sweep.TryEnter())
        {
            return;
        }

        try
        {
            Volatile.Write(ref _swept, _time.GetTimestamp());
            foreach (var pair in _callers)
            {
                if (pair.Value.Bucket.IsFull && _callers.TryRemove(pair))
                {
                    Interlocked.Decrement(ref _count);
                }
            }
        }
        finally
        {
            _sweep.Exit();
        }
    }

    /// <summary>One limit, and the buckets that several callers share.</summary>
    private sealed class Entry(CallerRateLimitConfig config, TimeProvider time)
    {
        private readonly PrincipalPattern[] _patterns = [.. config.Principals.Select(text => new PrincipalPattern(text))];

        public CallerRateLimitConfig Config => config;

        public TokenBucket WithoutIdentity { get; } = new(config.Limit, time);

        public TokenBucket BeyondMaximum { get; } = new(config.Limit, time);

        public bool Matches(string? identity)
        {
            foreach (var pattern in _patterns)
            {
                if (pattern.Matches(identity))
                {
                    return true;
                }
            }

            return false;
        }

        public bool IsOf(CallerRateLimitConfig other) => config.Limit == other.Limit && config.Principals.SequenceEqual(other.Principals, StringComparer.Ordinal);
    }

    /// <summary>What one caller's requests take from, and the limits under which that was found.</summary>
    private sealed record Caller(Entry[] Entries, Entry Limit, TokenBucket Bucket);
}
