namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// How a new endpoint's share grows, so that caches and compilers warm up before the crowd comes: to
/// <c>weight · max(10 %, age / duration)</c>, linearly, as Envoy's slow start with an aggression of 1 does
/// (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start). Immutable.
/// </summary>
internal sealed class SlowStart(TimeSpan duration, TimeProvider time)
{
    /// <summary>Joined before anybody looked: warm.</summary>
    public const long AlwaysThere = long.MinValue;

    /// <summary>Least share. <value>10 %.</value></summary>
    public const double MinShare = 0.1;

    /// <summary>The clock that ages are told by.</summary>
    public TimeProvider Time => time;

    /// <summary>Of the weight, at a timestamp. <value>0.1 to 1.</value></summary>
    public double Share(long joinedAt, long now) =>
        joinedAt == AlwaysThere ? 1 : Math.Clamp(time.GetElapsedTime(joinedAt, now) / duration, MinShare, 1);
}
