using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience;

public sealed class InboundLimitsTests
{
    private static readonly SpiffeId Frontend = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/frontend");
    private static readonly SpiffeId Orders = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders");

    private readonly ManualTimeProvider _time = new();
    private readonly InboundLimits _limits;

    public InboundLimitsTests() => _limits = new InboundLimits(_time);

    [Fact]
    public void Enter_MoreThanThePlaces_IsOverloadedAndNotDelivered()
    {
        Apply(maxRequests: 2);
        Enter(Frontend).ShouldBeNull();
        Enter(null).ShouldBeNull();

        var error = Enter(Orders).ShouldNotBeNull();

        (error.Reason, error.Undelivered).ShouldBe((ErrorReason.Overloaded, true));
        error.Detail.ShouldContain("2 requests");
        _limits.Leave();
        Enter(Orders).ShouldBeNull();
        _limits.InUse.ShouldBe(2);
    }

    /// <summary>The caller is told to slow down, not to try elsewhere.</summary>
    [Fact]
    public void Enter_FasterThanTheCallersRate_IsRefusedForThatCallerAndTakesNoPlace()
    {
        Apply(limits: new CallerRateLimitConfig(["*/sa/frontend"], new RateLimitConfig(1, 1)));
        Enter(Frontend).ShouldBeNull();

        var error = Enter(Frontend).ShouldNotBeNull();

        (error.Reason, error.Undelivered, error.RetryAfter).ShouldBe((ErrorReason.RateLimited, false, TimeSpan.FromSeconds(1)));
        _limits.InUse.ShouldBe(1);
        Enter(Orders).ShouldBeNull();
        Enter(null).ShouldBeNull();
    }

    [Fact]
    public void Apply_AnotherPartChanges_KeepsTheCounts()
    {
        var limit = new CallerRateLimitConfig(["*"], new RateLimitConfig(1, 2));
        Apply(maxRequests: 3, limit);
        Enter(Frontend).ShouldBeNull();
        Enter(Frontend).ShouldBeNull();

        Apply(maxRequests: 2, new CallerRateLimitConfig(["*"], new RateLimitConfig(1, 2)));

        Enter(Frontend).ShouldNotBeNull().Reason.ShouldBe(ErrorReason.RateLimited);
        Enter(Orders).ShouldNotBeNull().Reason.ShouldBe(ErrorReason.Overloaded);
        Apply(maxRequests: 3);
        Enter(Frontend).ShouldBeNull();
    }

    private ProxyError? Enter(SpiffeId? peer)
    {
        var state = TestRequest.Begin(_time);
        state.Connection.Peer = peer;
        return _limits.Enter(state);
    }

    private void Apply(int maxRequests = 1024, params CallerRateLimitConfig[] limits) =>
        _limits.Apply(new WorkloadConfig { Identity = Orders, MaxRequests = maxRequests, RateLimits = [.. limits] });
}
