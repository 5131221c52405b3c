namespace MeshLite.Bench.Results;

/// <summary>One pair under load once.</summary>
/// <param name="CpuMicrosPerRequest">User and system time of all its proxies, by the requests answered.</param>
/// <param name="RequestsPerSecond">Answered.</param>
/// <param name="P50Ms">Median latency.</param>
/// <param name="P99Ms">99th percentile.</param>
/// <param name="P999Ms">99.9th percentile; null: the load generator does not tell.</param>
/// <param name="PrivateMb">RssAnon of the larger proxy at the end of the load, in MB (10^6).</param>
internal readonly record struct Round(double CpuMicrosPerRequest, double RequestsPerSecond, double P50Ms, double P99Ms, double? P999Ms, double PrivateMb);
