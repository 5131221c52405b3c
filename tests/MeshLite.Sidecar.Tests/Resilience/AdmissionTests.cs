using MeshLite.Model;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience;

public sealed class AdmissionTests
{
    private static readonly ServiceRef Orders = new("shop", "orders", 80);
    private static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(5);

    private readonly ManualTimeProvider _time = new();
    private readonly ServicePool _pool;

    public AdmissionTests() => _pool = new ServicePool(Orders, new EndpointFactory(null!, new Random(1), _time));

    private ServiceState Service => _pool.State;

    [Fact]
    public async Task Enter_NoLimitMet_LetsInUntilLeave()
    {
        var state = Request();

        (await EnterAsync(state)).ShouldBeNull();

        state.Admitted.ShouldBe(Service);
        Service.Concurrency.InUse.ShouldBe(1);
        Admission.Leave(state);
        Admission.Leave(state);
        Service.Concurrency.InUse.ShouldBe(0);
        state.Admitted.ShouldBeNull();
    }

    [Fact]
    public async Task Enter_FasterThanTheRate_SaysWhenToComeBack()
    {
        Apply(new ServicePolicyConfig { RateLimit = new RateLimitConfig(2, 1) });
        (await EnterAsync(Request())).ShouldBeNull();

        var state = Request();
        var error = (await EnterAsync(state)).ShouldNotBeNull();

        error.Reason.ShouldBe(ErrorReason.RateLimited);
        error.RetryAfter.ShouldBe(TimeSpan.FromMilliseconds(500));
        state.Admitted.ShouldBeNull();
        Service.Concurrency.InUse.ShouldBe(1);
    }

    [Fact]
    public async Task Enter_CircuitOpen_FailsFast()
    {
        await OpenAsync();
        var state = Request();

        var error = (await EnterAsync(state)).ShouldNotBeNull();

        error.Reason.ShouldBe(ErrorReason.CircuitOpen);
        error.RetryAfter.ShouldBe(OpenFor);
        Service.Concurrency.InUse.ShouldBe(0);
    }

    /// <summary>A probe that found no place was none: the next is let through.</summary>
    [Fact]
    public async Task Enter_ProbeFindsNoPlace_IsGivenBack()
    {
        await OpenAsync(new ConcurrencyConfig { MaxRequests = 1 });
        Service.Concurrency.TryAcquire().ShouldBeTrue();
        _time.Advance(OpenFor);

        (await EnterAsync(Request())).ShouldNotBeNull().Reason.ShouldBe(ErrorReason.Overloaded);

        Service.Concurrency.Release();
        var next = Request();
        (await EnterAsync(next)).ShouldBeNull();
        next.IsCircuitProbe.ShouldBeTrue();
    }

    [Fact]
    public async Task Judge_Probe_DecidesAtOnceAndLeaveDoesNotAgain()
    {
        await OpenAsync();
        _time.Advance(OpenFor);
        var state = Request();
        await EnterAsync(state);

        Admission.Judge(state, AttemptOutcome.Success);

        Service.Circuit!.State.ShouldBe(CircuitState.Closed);
        Service.Concurrency.InUse.ShouldBe(1, "its response is still passing");
        Admission.Leave(state);
        Service.Circuit.State.ShouldBe(CircuitState.Closed);
    }

    [Fact]
    public async Task Leave_ProbeUnjudged_LetsTheNextTry()
    {
        await OpenAsync();
        _time.Advance(OpenFor);
        var state = Request();
        await EnterAsync(state);

        Admission.Leave(state);

        var next = Request();
        (await EnterAsync(next)).ShouldBeNull();
        next.IsCircuitProbe.ShouldBeTrue();
    }

    /// <summary>What began under one circuit is not told to the one a new policy brought.</summary>
    [Fact]
    public async Task Judge_PolicyChangedMeanwhile_GoesToTheCircuitThatLetItIn()
    {
        Apply(new ServicePolicyConfig { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1 } });
        var state = Request();
        await EnterAsync(state);
        Apply(new ServicePolicyConfig { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = OpenFor * 2 } });

        Admission.Judge(state, AttemptOutcome.Failure);

        Service.Circuit!.State.ShouldBe(CircuitState.Closed);
    }

    [Fact]
    public async Task Enter_NoPlaceAndNoQueue_IsOverloadedAtOnce()
    {
        Apply(new ServicePolicyConfig { Concurrency = new ConcurrencyConfig { MaxRequests = 1 } });
        await EnterAsync(Request());

        var entering = EnterAsync(Request());

        entering.IsCompleted.ShouldBeTrue();
        (await entering).ShouldNotBeNull().Reason.ShouldBe(ErrorReason.Overloaded);
    }

    [Theory]
    [InlineData("place")]
    [InlineData("queue time")]
    [InlineData("deadline")]
    [InlineData("caller")]
    public async Task Enter_Waits_UntilWhicheverComesFirst(string first)
    {
        Apply(new ServicePolicyConfig { Concurrency = new ConcurrencyConfig { MaxRequests = 1, MaxQueued = 1, QueueTimeout = TimeSpan.FromSeconds(10) } });
        var inside = Request();
        await EnterAsync(inside);
        using var left = new CancellationTokenSource();
        var state = Request(left.Token);
        RequestDeadline.Begin(state, TimeSpan.FromSeconds(first == "deadline" ? 3 : 30));
        var entering = EnterAsync(state, left.Token);
        entering.IsCompleted.ShouldBeFalse();
        Service.Concurrency.Queued.ShouldBe(1);

        switch (first)
        {
            case "place":
                Admission.Leave(inside);
                break;
            case "caller":
                await left.CancelAsync();
                break;
            default:
                _time.Advance(TimeSpan.FromSeconds(11));
                break;
        }

        var error = await entering.AsTask().WaitAsync(TimeSpan.FromSeconds(15));

        error?.Reason.ShouldBe(first == "deadline" ? ErrorReason.RequestTimeout : ErrorReason.Overloaded);
        (error is null).ShouldBe(first is "place" or "caller");
        (state.Admitted is not null).ShouldBe(first == "place");
        Service.Concurrency.Queued.ShouldBe(0);
        Service.Concurrency.InUse.ShouldBe(1);
    }

    [Fact]
    public async Task Enter_BackendMissing_SaysSo()
    {
        var state = Request();
        var rule = new RouteRuleConfig { Name = "r", Backends = [new WeightedBackendConfig(0, 1)] };
        RouteTable.TryBuild(
            new DestinationConfig { Authority = "orders", Kind = DestinationKind.Service, Matches = [new RouteMatchConfig { Rule = 0 }], Rules = [rule], Backends = [new BackendConfig { Service = Orders }] },
            new(_time, new Random(1)), out var routes, out _).ShouldBeTrue();
        routes!.TryMatch(new RequestHead("GET", PathNormalizer.Normalize("/"), state.Context.Request.Headers), out var match).ShouldBeTrue();
        state.Rule = match!.Rule;
        state.Backend = new BackendModel(new BackendConfig { Service = Orders, Missing = true }, _pool, new Random(1), _time);

        (await EnterAsync(state)).ShouldNotBeNull().Reason.ShouldBe(ErrorReason.DestinationUnknown);
    }

    private static ValueTask<ProxyError?> EnterAsync(RequestState state, CancellationToken cancellationToken = default) => Admission.EnterAsync(state, cancellationToken);

    private void Apply(ServicePolicyConfig policy) => Service.Apply(policy);

    private RequestState Request(CancellationToken aborted = default)
    {
        var state = TestRequest.Begin(_time, aborted: aborted);
        state.Backend = new BackendModel(new BackendConfig { Service = Orders }, _pool, new Random(1), _time);
        return state;
    }

    private async Task OpenAsync(ConcurrencyConfig? concurrency = null)
    {
        Apply(new ServicePolicyConfig
        {
            DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = OpenFor, SuccessesToClose = 1 },
            Concurrency = concurrency ?? new ConcurrencyConfig(),
        });
        var state = Request();
        await EnterAsync(state);
        Admission.Judge(state, AttemptOutcome.Failure);
        Admission.Leave(state);
        Service.Circuit!.State.ShouldBe(CircuitState.Open);
    }
}
