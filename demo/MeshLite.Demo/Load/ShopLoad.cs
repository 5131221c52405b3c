using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace MeshLite.Demo.Load;

/// <summary>
/// The load generator: an ordinary client whose http_proxy is its sidecar. Thread-safe; it never retries, so that one
/// id is one request.
/// </summary>
internal sealed class ShopLoad
{
    private static readonly byte[] Order = Encoding.UTF8.GetBytes("""{"item":"tea","count":1}""");

    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _time;

    public ShopLoad(IPEndPoint sidecar, TimeProvider time)
    {
        _http = new HttpMessageInvoker(new SocketsHttpHandler { Proxy = new WebProxy($"http://{sidecar}"), UseCookies = false });
        _time = time;
    }

    /// <summary>Starts sending; the caller stops it.</summary>
    public RunningLoad Start(LoadPlan plan)
    {
        var running = new RunningLoad();
        running.Ended = Task.Run(() => plan.Rate > 0 ? PacedAsync(plan, running) : ClosedLoopAsync(plan, running));
        return running;
    }

    /// <summary>Sends <see cref="LoadPlan.Count"/> requests and returns them all.</summary>
    public async Task<IReadOnlyCollection<SentRequest>> SendAsync(LoadPlan plan)
    {
        var running = Start(plan);
        await running.Ended;
        return running.Answered;
    }

    private async Task ClosedLoopAsync(LoadPlan plan, RunningLoad running)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, plan.Concurrency).Select(async _ =>
        {
            int number;
            while (!running.Stopped && (number = Interlocked.Increment(ref next)) < plan.Count)
            {
                running.Answered.Enqueue(await SendOneAsync(plan, number));
            }
        }));
    }

    // Open loop, so that a stall is met by as many requests as it would be in life; bounded, so that it can't pile up.
    private async Task PacedAsync(LoadPlan plan, RunningLoad running)
    {
        var underWay = new ConcurrentDictionary<int, Task>();
        using var room = new SemaphoreSlim(256);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2), _time);
        var started = _time.GetTimestamp();
        var number = 0;
        while (!running.Stopped && number < plan.Count)
        {
            var due = Math.Min(plan.Count, (int)(_time.GetElapsedTime(started).TotalSeconds * plan.Rate));
            while (number < due && !running.Stopped)
            {
                await room.WaitAsync();
                var mine = number++;
                underWay[mine] = Task.Run(async () =>
                {
                    running.Answered.Enqueue(await SendOneAsync(plan, mine));
                    room.Release();
                    underWay.TryRemove(mine, out var _);
                });
            }

            await timer.WaitForNextTickAsync();
        }

        // Each took its place in the room: all places back means all are answered.
        for (var place = 0; place < 256; place++)
        {
            await room.WaitAsync();
        }
    }

    private async Task<SentRequest> SendOneAsync(LoadPlan plan, int number)
    {
        var post = plan.Method is null ? number % 4 >= 2 : plan.Method == HttpMethod.Post;
        var viaFrontend = plan.Entry == LoadEntry.Frontend || (plan.Entry == LoadEntry.Both && number % 2 == 0);
        var id = $"{plan.Prefix}{number}";
        var collection = plan.Entry switch
        {
            LoadEntry.Inventory => post ? "http://inventory/reservations" : "http://inventory/items",
            LoadEntry.Reports => "http://inventory/reports",
            _ => viaFrontend ? "http://frontend/orders" : "http://orders/orders",
        };
        using var request = new HttpRequestMessage(post ? HttpMethod.Post : HttpMethod.Get, post ? collection : $"{collection}/{id}");
        request.Headers.Add("x-request-id", id);
        if (plan.Canary)
        {
            request.Headers.Add("x-canary", "true");
        }

        if (plan.Timeout is not null)
        {
            request.Headers.Add("meshlite-timeout", plan.Timeout);
        }

        if (post)
        {
            request.Content = new ByteArrayContent(Order) { Headers = { { "content-type", "application/json" } } };
        }

        var started = _time.GetTimestamp();
        try
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20), _time);
            using var response = await _http.SendAsync(request, timeout.Token);
            var body = await response.Content.ReadAsStringAsync(timeout.Token);
            var version = response.Headers.TryGetValues("x-shop-version", out var values) ? values.First() : null;
            var failure = response.IsSuccessStatusCode ? null : Failure(response, body);
            return new SentRequest(id, request.Method.Method, viaFrontend, started, _time.GetTimestamp(), (int)response.StatusCode, version, failure);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return new SentRequest(id, request.Method.Method, viaFrontend, started, _time.GetTimestamp(), 0, null, e.Message);
        }
    }

    private static string Failure(HttpResponseMessage response, string body)
    {
        var reason = response.Headers.TryGetValues("meshlite-error", out var values) ? string.Join(',', values) : "no meshlite-error";
        return $"{reason}: {body[..Math.Min(body.Length, 200)].ReplaceLineEndings(" ")}";
    }
}
