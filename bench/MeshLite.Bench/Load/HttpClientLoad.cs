using System.Net;

namespace MeshLite.Bench.Load;

/// <summary>
/// Stands in where wrk is missing: HTTP/1.1, closed loop. It takes much more CPU of the shared cores than wrk, so
/// throughput and latency of such a run only compare within the run.
/// </summary>
internal sealed class HttpClientLoad(TimeProvider time, bool closesConnections) : ILoadGenerator
{
    public string Name => "HttpClient";

    public async Task<LoadResult> RunAsync(LoadTarget target, int connections, TimeSpan duration)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = connections };
        using var client = new HttpMessageInvoker(handler);
        var started = time.GetTimestamp();
        var runs = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(() => LoopAsync(client, target, started, duration))));
        var latencies = new Results.Latencies(runs.SelectMany(r => r.Latencies));
        return new LoadResult(latencies.Count, runs.Sum(r => r.Failures), time.GetElapsedTime(started), latencies.Percentile(50), latencies.Percentile(99), latencies.Percentile(99.9));
    }

    private async Task<(List<TimeSpan> Latencies, long Failures)> LoopAsync(HttpMessageInvoker client, LoadTarget target, long started, TimeSpan duration)
    {
        var latencies = new List<TimeSpan>();
        long failures = 0;
        while (time.GetElapsedTime(started) < duration)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target.Address) { Version = HttpVersion.Version11 };
            request.Headers.Host = target.Host;
            request.Headers.ConnectionClose = closesConnections;
            var sent = time.GetTimestamp();
            try
            {
                using var response = await client.SendAsync(request, CancellationToken.None);
                await response.Content.CopyToAsync(Stream.Null);
                latencies.Add(time.GetElapsedTime(sent));
                failures += response.IsSuccessStatusCode ? 0 : 1;
            }
            catch (HttpRequestException)
            {
                failures++;
            }
        }

        return (latencies, failures);
    }
}
