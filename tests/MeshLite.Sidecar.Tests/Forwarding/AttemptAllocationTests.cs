using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Tests.Forwarding;

/// <summary>
/// What resilience allocates for a request that succeeds at once. On the real clock, whose timers a request's cancellation is
/// reused with; nothing here waits for it.
/// </summary>
public sealed class AttemptAllocationTests : IDisposable
{
    /// <summary>The task that YARP is given and waits for; <c>HttpMessageInvoker</c> demands one.</summary>
    private const int Answered = 72;

    /// <summary>
    /// That task, if the answer is still to come, as it is for every real request: then it holds what <see cref="AttemptInvoker.SendAsync"/>
    /// goes on with. What the methods within it go on with is pooled.
    /// </summary>
    private const int Waiting = 224;

    /// <summary>The value of <c>meshlite-timeout</c>: a string of nine characters.</summary>
    private const int TimeoutValue = 40;

    /// <summary>The bound of one attempt: a cancellation source and its timer.</summary>
    private const int AttemptBound = 144;

    private static readonly ServiceRef Orders = new("shop", "orders", 80);

    private readonly AnsweringHandler _handler = new();
    private readonly HttpRequestMessage _request = new(HttpMethod.Get, "http://mesh/items");
    private readonly CancellationTokenSource _caller = new();
    private readonly RequestState _state;
    private readonly BackendModel _backend;

    public AttemptAllocationTests()
    {
        var settings = new AttemptSettings(TimeProvider.System, new Random(1));
        var pool = new ServicePool(Orders, new EndpointFactory(null!, settings.Random, settings.Time, handlers: _ => _handler));
        pool.Update(new EndpointSetConfig(Orders, [.. Enumerable.Range(1, 3).Select(i => new EndpointConfig { Address = new IPEndPoint(IPAddress.Loopback, i) })]));
        _backend = new BackendModel(new BackendConfig { Service = Orders }, pool, settings.Random, settings.Time);
        _state = new RequestState(settings);
    }

    public void Dispose()
    {
        _caller.Dispose();
        _request.Dispose();
        _handler.Dispose();
    }

    [Theory]
    [InlineData(false, Answered)]
    [InlineData(true, Waiting)]
    public void SendAsync_NothingBounded_AllocatesTheTaskYarpWaitsFor(bool later, int bytes) => Measure(new RouteRuleConfig { Name = "r" }, later).ShouldBeLessThanOrEqualTo(bytes);

    [Theory]
    [InlineData(false, Answered + TimeoutValue)]
    [InlineData(true, Waiting + TimeoutValue)]
    public void SendAsync_RequestBounded_AllocatesTheHeaderBesides(bool later, int bytes) =>
        Measure(new RouteRuleConfig { Name = "r", RequestTimeout = TimeSpan.FromMinutes(10) }, later).ShouldBeLessThanOrEqualTo(bytes);

    [Theory]
    [InlineData(false, Answered + TimeoutValue + AttemptBound)]
    [InlineData(true, Waiting + TimeoutValue + AttemptBound)]
    public void SendAsync_AttemptBounded_AllocatesOneCancellationBesides(bool later, int bytes) =>
        Measure(new RouteRuleConfig { Name = "r", BackendRequestTimeout = TimeSpan.FromMinutes(10) }, later).ShouldBeLessThanOrEqualTo(bytes);

    /// <summary>From admission to leaving, for a request reusing its connection's state, as all but the first do.</summary>
    private long Measure(RouteRuleConfig rule, bool later)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = "GET", RawTarget = "/items" });
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = _caller.Token });
        _state.Begin(features, TimeProvider.System.GetTimestamp());
        _state.Rule = new RouteRuleModel(rule, null, null, new AttemptSettings(TimeProvider.System, new Random(1)));
        _state.Backend = _backend;
        _handler.Prepare(later ? 10 : 0);
        var succeeded = 0;
        var bytes = Allocations.Of(() =>
        {
            var begun = RequestDeadline.Begin(_state, rule.RequestTimeout) is null;
            var entered = Admission.EnterAsync(_state, _caller.Token).IsCompletedSuccessfully && _state.Admitted is not null;
            var sent = _state.Attempts.SendAsync(_request, _caller.Token);
            _handler.Answer();
            succeeded += begun && entered && sent.IsCompletedSuccessfully && _state.UpstreamAnswered != 0 ? 1 : 0;
            Admission.Leave(_state);
        });
        succeeded.ShouldBe(10);
        _state.AttemptCount.ShouldBe(10);
        _state.Endpoint.ShouldNotBeNull().Load.InFlight.ShouldBe(0);
        return bytes;
    }

    /// <summary>Answers at once, or when told to; what it needs for that it makes before.</summary>
    private sealed class AnsweringHandler : HttpMessageHandler
    {
        private readonly HttpResponseMessage _response = new(HttpStatusCode.OK);
        private readonly Task<HttpResponseMessage> _now;
        private readonly Queue<TaskCompletionSource<HttpResponseMessage>> _later = new();
        private TaskCompletionSource<HttpResponseMessage>? _waiting;

        public AnsweringHandler() => _now = Task.FromResult(_response);

        public void Prepare(int later)
        {
            for (var i = 0; i < later; i++)
            {
                _later.Enqueue(new TaskCompletionSource<HttpResponseMessage>());
            }
        }

        /// <summary>Whoever waits goes on, on this thread.</summary>
        public void Answer() => _waiting?.SetResult(_response);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            _later.TryDequeue(out _waiting) ? _waiting.Task : _now;
    }
}
