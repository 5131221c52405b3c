using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>When to renew, and how long to wait after a failure. Pure but for the random source; used by one thread.</summary>
internal sealed class RenewalSchedule(Random random)
{
    /// <summary>Upper bound of the first wait after a failure.</summary>
    public static readonly TimeSpan BaseBackoff = TimeSpan.FromMilliseconds(100);

    /// <summary>Upper bound of any wait after a failure.</summary>
    public static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(10);

    /// <summary>What <see cref="MaxBackoff"/> shrinks to as the certificate held runs out.</summary>
    public static readonly TimeSpan UrgentBackoff = TimeSpan.FromSeconds(1);

    /// <summary>Longest <see cref="Spread"/>. <value>5 min.</value></summary>
    public static readonly TimeSpan MaxSpread = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Two thirds of the certificate's life, give or take a tenth of that: between 60 % and 73.3 %. The jitter spreads the
    /// renewals of workloads that started together.
    /// </summary>
    public DateTimeOffset RenewAt(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var issuedAt = SvidProfile.IssuedAt(notBefore, notAfter);
        return issuedAt + ((notAfter - issuedAt) * (2.0 / 3.0) * (0.9 + (0.2 * random.NextDouble())));
    }

    /// <summary>
    /// How long to wait with the renewal of a certificate whose issuer signs no longer: up to a tenth of its life, at most <see cref="MaxSpread"/>, so that a
    /// whole mesh does not come at once; at least a hundredth, in case who signs does not know yet.
    /// </summary>
    public TimeSpan Spread(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var window = (notAfter - SvidProfile.IssuedAt(notBefore, notAfter)) / 10;
        return (window < MaxSpread ? window : MaxSpread) * (0.1 + (0.9 * random.NextDouble()));
    }

    /// <summary>
    /// Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). While
    /// a certificate is still held, no wait exceeds a tenth of what is left of it (but 1 s is always allowed).
    /// </summary>
    /// <param name="failures">In a row so far, at least 1.</param>
    /// <param name="remaining">What is left of the certificate held; zero or less where there is none.</param>
    public TimeSpan Backoff(int failures, TimeSpan remaining)
    {
        var cap = remaining > TimeSpan.Zero
            ? TimeSpan.FromTicks(Math.Clamp(remaining.Ticks / 10, UrgentBackoff.Ticks, MaxBackoff.Ticks))
            : MaxBackoff;
        var grown = BaseBackoff * Math.Pow(2, Math.Min(failures - 1, 20));
        return (grown < cap ? grown : cap) * random.NextDouble();
    }
}
