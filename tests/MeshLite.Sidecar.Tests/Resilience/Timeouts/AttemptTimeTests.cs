using MeshLite.Sidecar.Resilience.Timeouts;
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
        using var time = new AttemptTime(seconds is null ? null : TimeSpan.FromSeconds(seconds.Value), _time, _request.Token);

        time.Token.ShouldBe(_request.Token);
        time.Left(_time.GetTimestamp()).ShouldBe(TimeSpan.MaxValue);
        _time.PendingTimers.ShouldBe(0);
        _request.Cancel();
        time.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void Token_TimeIsUp_IsCancelledAndTheRequestIsNot()
    {
        using var time = new AttemptTime(Second, _time, _request.Token);
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
        using var time = new AttemptTime(Second, _time, _request.Token);

        _request.Cancel();

        time.Token.IsCancellationRequested.ShouldBeTrue();
        time.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void Create_RequestIsCancelledAlready_IsToo()
    {
        _request.Cancel();

        using var time = new AttemptTime(Second, _time, _request.Token);

        time.Token.IsCancellationRequested.ShouldBeTrue();
        time.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void Dispose_AttemptHasEnded_LeavesNothingBehind()
    {
        var time = new AttemptTime(Second, _time, _request.Token);
        var token = time.Token;

        time.Dispose();
        _request.Cancel();

        token.IsCancellationRequested.ShouldBeFalse();
        _time.PendingTimers.ShouldBe(0);
    }
}
