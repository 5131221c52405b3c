namespace MeshLite.Bench.Load;

/// <summary>What a load generator saw in one run.</summary>
/// <param name="Requests">Answered requests.</param>
/// <param name="Failures">Answers that were not as expected, and broken connections.</param>
/// <param name="Duration">How long it ran.</param>
/// <param name="P50">Median latency.</param>
/// <param name="P99">99th percentile.</param>
/// <param name="P999">99.9th percentile; null: the generator does not tell.</param>
internal readonly record struct LoadResult(long Requests, long Failures, TimeSpan Duration, TimeSpan P50, TimeSpan P99, TimeSpan? P999);
