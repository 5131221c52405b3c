using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>
/// How long an endpoint stays out, as Envoy reckons it
/// (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier, "Ejection algorithm"): base time × n,
/// n counting ejections in a row. In a row means that n falls by 1 for each interval the endpoint has been back (Envoy's
/// <c>interval</c>, default 10 s; here the window, which is the same), and that it stops growing where the longest time is
/// reached, so that a day of failures takes no day to be forgiven. Pure.
/// </summary>
internal static class EjectionTime
{
    /// <value>How far ejections are spread, so that sidecars do not all come back at once. 0.2: up to a fifth longer.</value>
    public const double Jitter = 0.2;

    /// <summary>n of the next ejection.</summary>
    /// <param name="config">Times.</param>
    /// <param name="last">n of the last one; 0: there was none.</param>
    /// <param name="backFor">How long the endpoint has been back since; 0 where it never was: its probe failed.</param>
    public static int Next(EndpointCircuitConfig config, int last, TimeSpan backFor)
    {
        var forgiven = config.Window > TimeSpan.Zero ? backFor.Ticks / config.Window.Ticks : 0;
        var left = (int)Math.Max(0, last - forgiven);
        return left == 0 || config.OpenFor * left < config.MaxOpenFor ? left + 1 : left;
    }

    /// <summary>
    /// Uniform over [d, 1.2 d], d = min(n × openFor, maxOpenFor / 1.2): never over the longest, and spread there too.
    /// </summary>
    public static TimeSpan Of(EndpointCircuitConfig config, int n, Random random)
    {
        var least = Math.Min((double)config.OpenFor.Ticks * n, config.MaxOpenFor.Ticks / (1 + Jitter));
        return TimeSpan.FromTicks((long)Math.Min(config.MaxOpenFor.Ticks, least * (1 + (Jitter * random.NextDouble()))));
    }
}
