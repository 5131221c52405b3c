using System.Collections.Concurrent;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cluster;

/// <summary>Some callers of <c>orders</c>, one request after the other, who notice every failure and who answers. Ends with <see cref="EndAsync"/>.</summary>
internal sealed class Load : IAsyncDisposable
{
    private const int Callers = 4;

    /// <summary>So many answers in a row are "only this one".</summary>
    private const int Streak = 100;

    private static readonly Uri Orders = new("http://orders/");

    private readonly HttpClient _http;
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Lock _lock = new();
    private readonly Task[] _callers;
    private volatile bool _ended;
    private string _last = "";
    private int _streak;

    public Load(HttpClient http)
    {
        _http = http;
        _callers = [.. Enumerable.Range(0, Callers).Select(_ => Task.Run(CallAsync))];
    }

    /// <summary>The application that answered 200; else what happened.</summary>
    public static string AnswererOf(HttpResponseMessage response) =>
        response.IsSuccessStatusCode && response.Headers.TryGetValues("x-app", out var app) ? app.Single()
        : $"{(int)response.StatusCode} {(response.Headers.TryGetValues("meshlite-error", out var reason) ? reason.Single() : "")}";

    /// <summary>Until, for a while, only this one answers.</summary>
    public Task OnlyAsync(string pod)
    {
        lock (_lock)
        {
            _streak = 0;
        }

        return Eventually.TrueAsync(
            () =>
            {
                lock (_lock)
                {
                    return _last == pod && _streak >= Streak;
                }
            },
            $"only {pod} answers (last: {_last}; failures: {string.Join(", ", _failures.Take(5))})", TimeSpan.FromSeconds(60));
    }

    /// <summary>Ends; nothing has failed.</summary>
    public async Task EndAsync()
    {
        await DisposeAsync();
        _failures.ShouldBeEmpty();
    }

    public async ValueTask DisposeAsync()
    {
        _ended = true;
        await Task.WhenAll(_callers);
    }

    private async Task CallAsync()
    {
        while (!_ended)
        {
            string answerer;
            try
            {
                using var response = await _http.GetAsync(Orders);
                answerer = AnswererOf(response);
                if (!response.IsSuccessStatusCode)
                {
                    _failures.Enqueue(answerer);
                }
            }
            catch (HttpRequestException problem)
            {
                _failures.Enqueue(answerer = problem.Message);
            }

            lock (_lock)
            {
                _streak = answerer == _last ? _streak + 1 : 1;
                _last = answerer;
            }
        }
    }
}
