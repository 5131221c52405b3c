using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Timeouts;

public sealed class RequestDeadlineTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData(null, null, 60)]
    [InlineData(null, "5S", 5)]
    [InlineData(null, "2M", 60)]
    [InlineData(null, "nonsense", 60)]
    [InlineData(120, null, 120)]
    [InlineData(10, "2M", 10)]
    [InlineData(10, "3S", 3)]
    [InlineData(0, "3S", 3)]
    [InlineData(0, null, null)]
    public void Begin_RuleAndCaller_TheEarlierOrWhatHoldsWithoutThem(int? rule, string? caller, int? seconds)
    {
        var state = TestRequest.Begin(_time, headers: caller is null ? [] : [("meshlite-timeout", caller)]);

        RequestDeadline.Begin(state, rule is { } s ? TimeSpan.FromSeconds(s) : null).ShouldBeNull();

        state.AnswerBy.Remaining(_time.GetTimestamp()).ShouldBe(seconds is { } left ? TimeSpan.FromSeconds(left) : TimeSpan.MaxValue);
        _time.Advance(TimeSpan.FromSeconds((seconds ?? 10_000) - 0.1));
        state.TimedOut.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.2));
        state.TimedOut.ShouldBe(seconds is not null);
    }

    [Fact]
    public void Begin_TimeIsUp_SaysThatNothingWasDelivered()
    {
        var state = TestRequest.Begin(_time, headers: [("grpc-timeout", "1S")]);
        _time.Advance(TimeSpan.FromSeconds(1));

        var error = RequestDeadline.Begin(state, timeout: null).ShouldNotBeNull();

        error.Reason.ShouldBe(ErrorReason.RequestTimeout);
        error.Undelivered.ShouldBeTrue();
    }

    /// <summary>The caller's sidecar may have been told to wait for hours; without one nobody has been told anything.</summary>
    [Theory]
    [InlineData(true, null)]
    [InlineData(false, 60)]
    public void BeginInbound_OfAPeer_LeavesTheBoundToIt(bool peer, int? seconds)
    {
        var state = TestRequest.Begin(_time);
        state.Connection.Peer = peer ? SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/frontend") : null;

        RequestDeadline.BeginInbound(state).ShouldBeNull();

        state.AnswerBy.IsNone.ShouldBe(seconds is null);
        _time.Advance(TimeSpan.FromSeconds(61));
        state.TimedOut.ShouldBe(seconds is not null);
    }

    [Theory]
    [InlineData(null, null, null, false)]
    [InlineData(100, null, 100, false)]
    [InlineData(100, 7, 7, true)]
    [InlineData(5, 7, 5, false)]
    public void OnAnswered_Then_OnlyWhatWasAskedForBounds(int? rule, int? attemptLeft, int? seconds, bool ofAttempt)
    {
        var state = TestRequest.Begin(_time);
        RequestDeadline.Begin(state, rule is { } s ? TimeSpan.FromSeconds(s) : null);

        RequestDeadline.OnAnswered(state, attemptLeft is { } left ? TimeSpan.FromSeconds(left) : TimeSpan.MaxValue);

        state.AttemptBound.ShouldBe(ofAttempt);
        _time.Advance(TimeSpan.FromSeconds((seconds ?? 10_000) - 0.1));
        state.TimedOut.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.2));
        state.TimedOut.ShouldBe(seconds is not null);
    }

    /// <summary>A download from outside the mesh may take its time.</summary>
    [Fact]
    public async Task Passthrough_Answered_IsNoLongerBound()
    {
        var state = TestRequest.Begin(_time);
        RequestDeadline.Begin(state, timeout: null);
        using var response = new HttpResponseMessage { Content = new ByteArrayContent([1]), RequestMessage = new HttpRequestMessage() };

        await new Passthrough.PassthroughTransformer().TransformResponseAsync(state.Context, response, CancellationToken.None);

        _time.Advance(TimeSpan.FromHours(1));
        state.TimedOut.ShouldBeFalse();
    }
}
