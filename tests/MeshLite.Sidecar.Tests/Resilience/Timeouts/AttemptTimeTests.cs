using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Timeouts;

public sealed class AttemptTimeTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly CancellationTokenSource _request = new();

    public void Dispose() => _request.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    public void Create_NoBound_IsTheRequestsTime(int? seconds)
    {
        using var time = new AttemptTime(TestRequest.Begin(_time), seconds is null ? null : TimeSpan.FromSeconds(seconds.Value), _request.Token);

        time.Token.ShouldBe(_request.Token);
        time.Left(_time.GetTimestamp()).ShouldBe(TimeSpan.MaxValue);
        _time.PendingTimers.ShouldBe(0);
        _request.Cancel();
        time.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void Token_TimeIsUp_IsCancelledAndTheRequestIsNot()
    {
        using var time = new AttemptTime(TestRequest.Begin(_time), Second, _request.Token);
        _time.Advance(Second - TimeSpan.FromTicks(1));
        time.Token.IsCancellationRequested.ShouldBeFalse();
        time.IsOver.ShouldBeFalse();

        _time.Advance(TimeSpan.FromTicks(1));

        time.Token.IsCancellationRequested.ShouldBeTrue();
        time.IsOver.ShouldBeTrue();
        _request.IsCancellationRequested.ShouldBeFalse();
        time.Left(_time.GetTimestamp()).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void Token_RequestIsCancelled_IsToo()
    {
        using var time = new AttemptTime(TestRequest.Begin(_time), Second, _request.Token);

        _request.Cancel();

        time.Token.IsCancellationRequested.ShouldBeTrue();
        time.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void Create_RequestIsCancelledAlready_IsToo()
    {
        _request.Cancel();

        using var time = new AttemptTime(TestRequest.Begin(_time), Second, _request.Token);

        time.Token.IsCancellationRequested.ShouldBeTrue();
        time.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void Dispose_AttemptHasEnded_LeavesNothingBehind()
    {
        var time = new AttemptTime(TestRequest.Begin(_time), Second, _request.Token);
        var token = time.Token;

        time.Dispose();
        _request.Cancel();

        token.IsCancellationRequested.ShouldBeFalse();
        _time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public void Dispose_ItsTimeWasNotUp_TheNextHasTheSameTimer()
    {
        // The system's clock: only its timers can be used again.
        var owner = TestRequest.Begin(TimeProvider.System);
        CancellationToken first;
        using (var time = new AttemptTime(owner, TimeSpan.FromHours(1), _request.Token))
        {
            first = time.Token;
        }

        using var next = new AttemptTime(owner, TimeSpan.FromHours(2), _request.Token);

        next.Token.ShouldBe(first);
        _request.Cancel();
        next.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void Dispose_ItsTimeWasUp_TheNextHasATimerOfItsOwn()
    {
        var owner = TestRequest.Begin(_time);
        using (new AttemptTime(owner, Second, _request.Token))
        {
            _time.Advance(Second);
        }

        using var next = new AttemptTime(owner, Second, _request.Token);

        next.Token.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public void New_TwoAtOnce_EachHasItsOwnTimer()
    {
        var owner = TestRequest.Begin(_time);
        using var one = new AttemptTime(owner, Second, _request.Token);
        using var other = new AttemptTime(owner, 2 * Second, _request.Token);

        _time.Advance(Second);

        one.IsOver.ShouldBeTrue();
        other.IsOver.ShouldBeFalse();
    }
}
