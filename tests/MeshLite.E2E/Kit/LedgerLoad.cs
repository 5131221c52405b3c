using System.Collections.Concurrent;
using System.Net;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E.Kit;

/// <summary>
/// GET and POST in turn, each with an id of its own, from several callers at a steady pace, until it is stopped; the application writes down what it
/// receives. Lost is what was answered with anything but 200, doubled what was received twice.
/// </summary>
internal sealed class LedgerLoad(MeshClient client, string host) : IAsyncDisposable
{
    private const int Callers = 20;

    /// <value>Of each caller: up to 400 requests/s together, as many as the machine can. 50 ms.</value>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _sent = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentQueue<string> _received = new();
    private readonly long _begin = TimeProvider.System.GetTimestamp();
    private Task _calling = Task.CompletedTask;

    /// <summary>An application that writes down what it receives.</summary>
    public Task<HttpApp> AppAsync(string name) => HttpApp.StartAsync(name, context =>
    {
        if (context.Request.Headers.TryGetValue("x-request-id", out var id))
        {
            _received.Enqueue(id.ToString());
        }

        return Task.CompletedTask;
    });

    public void Start() => _calling = Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller))));

    /// <summary>Stops, and demands that everything sent was answered and received once.</summary>
    public async Task ShouldBeCompleteAsync()
    {
        await _stop.CancelAsync();
        await _calling;
        var took = TimeProvider.System.GetElapsedTime(_begin);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"LEDGER sent {_sent.Count} in {took.TotalSeconds:0} s ({_sent.Count / took.TotalSeconds:0}/s), lost {_failures.Count}, doubled {_received.Count - _received.Distinct().Count()}");
        _failures.ShouldBeEmpty();
        _received.Order().ShouldBe(_sent.Order());
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _calling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task CallAsync(int caller)
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var id = $"{caller}-{i}";
            _sent.Enqueue(id);
            try
            {
                using var request = client.Request(i % 2 == 0 ? HttpMethod.Get : HttpMethod.Post, host, "/", ("x-request-id", id));
                request.Content = request.Method == HttpMethod.Post ? new StringContent(id) : null;
                using var answer = await client.SendAsync(request);
                if (answer.StatusCode != HttpStatusCode.OK)
                {
                    _failures.Enqueue($"{id}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
                }
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
            {
                _failures.Enqueue($"{id}: {error.Message}");
            }

            await Task.Delay(Pace, TimeProvider.System);
        }
    }
}
