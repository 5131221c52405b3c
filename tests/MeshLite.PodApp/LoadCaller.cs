using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MeshLite.PodApp;

/// <summary>
/// Open loop: requests begin when they are due, whether or not earlier ones have ended, until SIGTERM. GETs and POSTs in turn, each
/// with an id of its own; prints, as JSON, what became of which id. <c>keyed</c>: the POSTs may be sent twice, and say so by
/// <c>Idempotency-Key</c>.
/// </summary>
internal static class LoadCaller
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    public static async Task<int> RunAsync(Uri url, int rate, string prefix, bool keyed)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 64 }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(30) };
        var outcomes = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var running = new List<Task>();
        var started = TimeProvider.System.GetTimestamp();
        var stop = false;
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Volatile.Write(ref stop, context.Cancel = true));
        using var timer = new PeriodicTimer(Tick, TimeProvider.System);
        var sent = 0;
        while (!Volatile.Read(ref stop))
        {
            await timer.WaitForNextTickAsync();
            var due = (int)(rate * TimeProvider.System.GetElapsedTime(started).TotalSeconds);
            for (; sent < due; sent++)
            {
                running.Add(SendAsync(http, $"{prefix}-{sent}", isPost: sent % 2 == 1, keyed, outcomes));
            }
        }

        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        await Task.WhenAll(running);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            sent = outcomes.Count,
            seconds,
            failed = outcomes.Where(o => o.Value != "ok").ToDictionary(),
        }));
        return 0;
    }

    private static async Task SendAsync(HttpClient http, string id, bool isPost, bool keyed, ConcurrentDictionary<string, string> outcomes)
    {
        using var request = new HttpRequestMessage(isPost ? HttpMethod.Post : HttpMethod.Get, isPost ? "/echo" : "/hello");
        request.Headers.Add("x-request-id", id);
        request.Content = isPost ? new StringContent(id) : null;
        if (isPost && keyed)
        {
            request.Headers.Add("Idempotency-Key", id);
        }

        try
        {
            using var response = await http.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            outcomes[id] = response.IsSuccessStatusCode && (!isPost || body == id) ? "ok" : $"{(int)response.StatusCode} {body}";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            outcomes[id] = e.ToString();
        }
    }
}
