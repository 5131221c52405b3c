using System.Net;

namespace MeshLite.Bench.Load;

/// <summary>
/// Stands in where wrk is missing. It takes much more CPU of the shared cores than wrk, so throughput and latency of
/// such a run only compare within the run.
/// </summary>
internal sealed class HttpClientLoad(TimeProvider time) : ILoadGenerator
{
    public string Name => "HttpClient";

    public async Task<LoadResult> RunAsync(Uri target, string host, int connections, TimeSpan duration)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = connections };
        using var client = new HttpMessageInvoker(handler);
        var started = time.GetTimestamp();
        var runs = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(() => LoopAsync(client, target, host, started, duration))));
        var elapsed = time.GetElapsedTime(started);
        var latencies = runs.SelectMany(r => r.Latencies).Order().ToArray();
        return latencies.Length == 0
            ? new LoadResult(0, runs.Sum(r => r.Failures), elapsed, default, default)
            : new LoadResult(latencies.Length, runs.Sum(r => r.Failures), elapsed, latencies[latencies.Length / 2], latencies[(int)(latencies.Length * 0.99)]);
    }

    private async Task<(List<TimeSpan> Latencies, long Failures)> LoopAsync(HttpMessageInvoker client, Uri target, string host, long started, TimeSpan duration)
    {
        var latencies = new List<TimeSpan>();
        long failures = 0;
        while (time.GetElapsedTime(started) < duration)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target) { Version = HttpVersion.Version11 };
            request.Headers.Host = host;
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
