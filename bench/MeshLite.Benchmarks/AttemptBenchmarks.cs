using System.Net;
using BenchmarkDotNet.Attributes;
using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Timeouts;

namespace MeshLite.Benchmarks;

/// <summary>
/// All of <c>AttemptInvoker.SendAsync</c> for a GET that succeeds at once: budget, pick, deadline, send, judge, record. The answer
/// is already there, or comes later, as every real one does: then what waits for it has to be kept somewhere.
/// </summary>
public class AttemptBenchmarks
{
    private readonly HttpRequestMessage _request = new(HttpMethod.Get, "http://mesh/items");
    private readonly AnsweringHandler _handler = new();
    private RequestState _state = null!;

    /// <summary>What the rule bounds: nothing; the request; the request and each of its attempts.</summary>
    [Params("none", "request", "attempt")]
    public string Timeout { get; set; } = "";

    [Params(false, true)]
    public bool Later { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _handler.Later = Later;
        _state = new BenchMesh(2, handler: _handler).Routed(new RouteRuleConfig
        {
            Name = "orders/everyone",
            RequestTimeout = Timeout == "none" ? null : TimeSpan.FromSeconds(15),
            BackendRequestTimeout = Timeout == "attempt" ? TimeSpan.FromSeconds(5) : null,
        });
        RequestDeadline.Begin(_state, _state.Rule!.RequestTimeout);
    }

    [Benchmark]
    public bool Send()
    {
        var sent = _state.Attempts.SendAsync(_request, CancellationToken.None);
        _handler.Answer();
        return sent.IsCompletedSuccessfully;
    }

    private sealed class AnsweringHandler : HttpMessageHandler
    {
        private readonly HttpResponseMessage _response = new(HttpStatusCode.OK);
        private readonly Task<HttpResponseMessage> _now;
        private TaskCompletionSource<HttpResponseMessage>? _waiting;

        public AnsweringHandler() => _now = Task.FromResult(_response);

        public bool Later { get; set; }

        /// <summary>Whoever waits goes on, on this thread.</summary>
        public void Answer() => _waiting?.SetResult(_response);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!Later)
            {
                return _now;
            }

            _waiting = new TaskCompletionSource<HttpResponseMessage>();
            return _waiting.Task;
        }
    }
}
