using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class AttemptInvokerTests : IDisposable
{
    private static readonly ServiceRef Orders = new("shop", "orders", 80);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ManualTimeProvider _time = new();
    private readonly ScriptedHandler _handler = new();
    private readonly ServicePool _pool;

    public AttemptInvokerTests()
    {
        _pool = new ServicePool(Orders, new EndpointFactory(null!, new Random(1), _time, handlers: _ => _handler));
        _pool.Update(new EndpointSetConfig(Orders, [.. Enumerable.Range(1, 3).Select(i => new EndpointConfig { Address = new IPEndPoint(IPAddress.Loopback, i) })]));
    }

    public void Dispose() => _handler.Dispose();

    [Fact]
    public async Task Send_Fails_WaitsForTheBackoffBeforeTheNext()
    {
        _handler.Answers(503, 200);
        var sending = SendAsync(await BeginAsync());
        _handler.Sent.ShouldBe(1);

        _time.Advance(TimeSpan.FromMilliseconds(25));

        (await sending.WaitAsync(Patience)).StatusCode.ShouldBe(HttpStatusCode.OK);
        _handler.Sent.ShouldBe(2);
    }

    [Fact]
    public async Task Send_RetryAfter_IsWaitedForAndNoLonger()
    {
        _handler.RetryAfter = "10";
        _handler.Answers(503, 200);
        var sending = SendAsync(await BeginAsync());

        _time.Advance(TimeSpan.FromSeconds(9.9));
        _handler.Sent.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        (await sending.WaitAsync(Patience)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>Without any rule a request has 60 s, from when it arrived.</summary>
    [Theory]
    [InlineData(null, 0, "59", 2)]
    [InlineData(null, 0, "60", 1)]
    [InlineData(null, 30, "31", 1)]
    [InlineData(5, 0, "5", 1)]
    [InlineData(5, 0, "4", 2)]
    public async Task Send_RetryAfterThatTheDeadlineCutsOff_IsAnsweredAtOnce(int? rule, int spent, string retryAfter, int sends)
    {
        _handler.RetryAfter = retryAfter;
        _handler.Answers(503, 503, 503);
        var state = await BeginAsync(new RouteRuleConfig { Name = "r", RequestTimeout = rule is { } s ? TimeSpan.FromSeconds(s) : null, Retry = new RetryConfig { Attempts = 1 } });
        _time.Advance(TimeSpan.FromSeconds(spent));
        var sending = SendAsync(state);

        (sending.IsCompleted).ShouldBe(sends == 1);
        _time.Advance(TimeSpan.FromSeconds(int.Parse(retryAfter)));

        (await sending.WaitAsync(Patience)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _handler.Sent.ShouldBe(sends);
    }

    [Fact]
    public async Task Send_BudgetSpent_SaysSoAndIsNotRepeated()
    {
        _pool.State.Apply(new ServicePolicyConfig { RetryBudget = new RetryBudgetConfig { Percent = 0, MinPerSecond = 0 } });
        _handler.Answers(503);
        var state = await BeginAsync();

        (await SendAsync(state).WaitAsync(Patience)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);

        state.BudgetSpent.ShouldBeTrue();
        _handler.Sent.ShouldBe(1);
    }

    /// <summary>While everyone else fails fast nobody sends twice.</summary>
    [Fact]
    public async Task Send_CircuitOpenedMeanwhile_IsNotRepeated()
    {
        _pool.State.Apply(new ServicePolicyConfig { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1 } });
        _handler.Answers(503);
        var state = await BeginAsync();
        _pool.State.Circuit!.Record(AttemptOutcome.Failure, isProbe: false);

        await SendAsync(state).WaitAsync(Patience);

        _handler.Sent.ShouldBe(1);
        state.BudgetSpent.ShouldBeFalse();
    }

    [Fact]
    public async Task Send_TimeIsUpWhileItWaits_EndsWithoutAnother()
    {
        _handler.RetryAfter = "3";
        _handler.Answers(503, 200);
        var state = await BeginAsync(new RouteRuleConfig { Name = "r", RequestTimeout = TimeSpan.FromSeconds(4) });
        var sending = SendAsync(state);
        state.StartTimeout(_time.GetTimestamp(), TimeSpan.FromSeconds(2));

        _time.Advance(TimeSpan.FromSeconds(2));

        await Should.ThrowAsync<OperationCanceledException>(sending.WaitAsync(Patience));
        _handler.Sent.ShouldBe(1);
    }

    [Theory]
    [InlineData(200, CircuitState.Closed)]
    [InlineData(500, CircuitState.Open)]
    public async Task Send_Ends_TellsTheCircuitBeforeTheResponseHasPassed(int status, object circuit)
    {
        _pool.State.Apply(new ServicePolicyConfig { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1 } });
        _handler.Answers(status);

        await SendAsync(await BeginAsync()).WaitAsync(Patience);

        _pool.State.Circuit!.State.ShouldBe((CircuitState)circuit);
        _pool.State.Concurrency.InUse.ShouldBe(1);
    }

    private async Task<RequestState> BeginAsync(RouteRuleConfig? rule = null)
    {
        var settings = new AttemptSettings(_time, new Random(1));
        var state = TestRequest.Begin(_time);
        state.Rule = new RouteRuleModel(rule ?? new RouteRuleConfig { Name = "r" }, null, null, settings);
        state.Backend = new BackendModel(new BackendConfig { Service = Orders }, _pool, settings.Random, _time);
        RequestDeadline.Begin(state, rule?.RequestTimeout).ShouldBeNull();
        (await Admission.EnterAsync(state, CancellationToken.None)).ShouldBeNull();
        return state;
    }

    private static Task<HttpResponseMessage> SendAsync(RequestState state) =>
        state.Attempts.SendAsync(new HttpRequestMessage(HttpMethod.Get, "http://mesh/"), state.Timeout);

    /// <summary>Answers at once, with one status after another.</summary>
    private sealed class ScriptedHandler : HttpMessageHandler
    {
        private readonly Queue<int> _answers = new();

        public int Sent { get; private set; }

        public string? RetryAfter { get; set; }

        public void Answers(params int[] statuses) => Array.ForEach(statuses, _answers.Enqueue);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Sent++;
            var response = new HttpResponseMessage((HttpStatusCode)_answers.Dequeue());
            if (RetryAfter is not null)
            {
                response.Headers.TryAddWithoutValidation("Retry-After", RetryAfter);
            }

            return Task.FromResult(response);
        }
    }
}
