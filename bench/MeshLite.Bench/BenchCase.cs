using MeshLite.Bench.Load;
using MeshLite.Bench.Pairs;
using MeshLite.Bench.Results;
using MeshLite.Processes;

namespace MeshLite.Bench;

/// <summary>
/// One case: all pairs stand at once, and are loaded in turn, round after round, so that whatever else the machine does
/// meets all of them alike.
/// </summary>
internal sealed class BenchCase(ILoadGenerator load, TimeProvider time)
{
    public required string Name { get; init; }

    /// <summary>Connections of the load generator.</summary>
    public required int Connections { get; init; }

    /// <summary>Rounds measured. <value>At least 1.</value></summary>
    public required int Rounds { get; init; }

    /// <summary>How long a pair is loaded in a round.</summary>
    public required TimeSpan RoundDuration { get; init; }

    /// <summary>How long before, so that tiered compilation has done its work.</summary>
    public required TimeSpan WarmUp { get; init; }

    public async Task<CaseResult> RunAsync(IReadOnlyList<(IProxyPair Pair, Uri Entry)> pairs)
    {
        foreach (var (pair, entry) in pairs)
        {
            await CheckAsync(pair, entry);
            Console.WriteLine($"  warming up {pair.Name}");
            await load.RunAsync(entry, "backend", Connections, WarmUp);
        }

        var rounds = pairs.ToDictionary(p => p.Pair.Name, _ => new List<Round>());
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var (pair, entry) in pairs)
            {
                var measured = await MeasureAsync(pair, entry);
                rounds[pair.Name].Add(measured);
                Console.WriteLine($"  round {round} {pair.Name,-9} {measured.CpuMicrosPerRequest,6:0.0} µs/request {measured.RequestsPerSecond,7:0}/s");
            }
        }

        return new CaseResult(Name, pairs.ToDictionary(p => p.Pair.Name, p => ProxyResult.Of(p.Pair.Description, rounds[p.Pair.Name])));
    }

    private async Task<Round> MeasureAsync(IProxyPair pair, Uri entry)
    {
        var before = pair.Proxies.Select(p => ProcessUsage.Cpu(p.Id)).ToArray();
        var result = await load.RunAsync(entry, "backend", Connections, RoundDuration);
        var spent = pair.Proxies.Zip(before, (p, b) => ProcessUsage.Cpu(p.Id) - b).Sum(t => t.TotalMicroseconds);
        if (result.Failures > 0 || result.Requests == 0)
        {
            throw new ProcessFailedException($"{pair.Name}: {result.Failures} of {result.Requests} requests failed; figures of such a run mean nothing");
        }

        return new Round(
            spent / result.Requests,
            result.Requests / result.Duration.TotalSeconds,
            result.P50.TotalMilliseconds,
            result.P99.TotalMilliseconds,
            pair.Proxies.Max(p => ProcessUsage.PrivateBytes(p.Id)) / 1e6);
    }

    // The endpoint may take a moment to be known to the client's sidecar.
    private async Task CheckAsync(IProxyPair pair, Uri entry)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var client = new HttpClient(handler);
        var started = time.GetTimestamp();
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, entry);
            request.Headers.Host = "backend";
            using var response = await client.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            if (response.IsSuccessStatusCode && body.Length == 100)
            {
                return;
            }

            if (time.GetElapsedTime(started) > TimeSpan.FromSeconds(10))
            {
                throw new ProcessFailedException($"{pair.Name}: {(int)response.StatusCode} with {body.Length} bytes instead of 200 with 100: {body[..Math.Min(200, body.Length)]}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time);
        }
    }
}
