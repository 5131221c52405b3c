using MeshLite.Hosting;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Lifecycle;
using MeshLite.Sidecar.Listeners;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Lifecycle;

public sealed class DrainingTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    private readonly ManualTimeProvider _time = new();
    private readonly ConnectionTracker _connections = new();
    private readonly Outbox _outbox = new();
    private readonly Readiness _readiness = new();
    private readonly Draining _draining;

    public DrainingTests()
    {
        _readiness.SetReady();
        _outbox.Begin(new Hello());
        _draining = new Draining(_connections, _outbox, _readiness, _time, NullLogger<Draining>.Instance);
    }

    [Fact]
    public async Task Drain_NothingOpen_LastsTheGraceAlone()
    {
        var elapsed = await RunAsync(_draining.DrainAsync());

        elapsed.ShouldBeInRange(Draining.Grace, Draining.Grace + Step);
    }

    [Fact]
    public async Task Drain_Begun_TellsTheControlPlaneThenEverybody()
    {
        var open = Open();
        var fresh = Open(served: false);

        var draining = _draining.DrainAsync();

        _readiness.Reason.ShouldBe("draining");
        _outbox.Messages.TryRead(out var message).ShouldBeTrue();
        message!.Health.ShouldBe(new Health { Ready = false, Draining = true });
        _connections.OnRequest(open.Connection);
        open.Asked.ShouldBe(0, "its caller may not have heard that there are others to call");
        await AdvanceAsync(Draining.Grace + Step, draining);
        open.Asked.ShouldBe(1);
        fresh.Asked.ShouldBe(0, "its first request may be on its way");
        _connections.Remove(open.Connection);
        _connections.Remove(fresh.Connection);
        await RunAsync(draining);
    }

    [Fact]
    public async Task Drain_LongRequest_IsWaitedFor()
    {
        var open = Open();
        var draining = _draining.DrainAsync();
        await AdvanceAsync(TimeSpan.FromSeconds(12), draining);
        draining.IsCompleted.ShouldBeFalse();

        _connections.Remove(open.Connection);

        (await RunAsync(draining)).ShouldBeLessThanOrEqualTo(Step);
    }

    [Fact]
    public async Task Drain_StuckRequest_IsWaitedForHalfAMinute()
    {
        Open();

        var elapsed = await RunAsync(_draining.DrainAsync());

        elapsed.ShouldBeInRange(Draining.Limit, Draining.Limit + Step);
    }

    [Fact]
    public async Task Drain_ConnectionThatComesLater_IsAskedAtItsFirstRequest()
    {
        var draining = _draining.DrainAsync();
        var late = Open(served: false);
        await AdvanceAsync(Draining.Grace + Step, draining);
        late.Asked.ShouldBe(0);

        _connections.OnRequest(late.Connection);

        late.Asked.ShouldBe(1);
        _connections.Remove(late.Connection);
        await RunAsync(draining);
    }

    [Fact]
    public async Task Drain_ConnectionThatComesLaterAndNeverAsks_IsNotWaitedFor()
    {
        var draining = _draining.DrainAsync();
        var late = Open(served: false);
        late.OnAsked = () => _connections.Remove(late.Connection);

        (await RunAsync(draining)).ShouldBeInRange(Draining.Grace, 2 * Draining.Grace + Step);
    }

    [Fact]
    public async Task Finish_ConnectionAcceptedLast_IsServedButNotForLong()
    {
        await RunAsync(_draining.DrainAsync());
        var last = Open(served: false);
        var finishing = _draining.FinishAsync();
        await AdvanceAsync(TimeSpan.FromMilliseconds(100), finishing);
        last.Asked.ShouldBe(0, "its request may be on its way");
        finishing.IsCompleted.ShouldBeFalse();

        _connections.OnRequest(last.Connection);
        last.Asked.ShouldBe(1);
        await AdvanceAsync(TimeSpan.FromMilliseconds(500), finishing);
        finishing.IsCompleted.ShouldBeFalse("it is being served");
        _connections.Remove(last.Connection);

        await RunAsync(finishing);
    }

    [Fact]
    public async Task Drain_AskedForTwice_RunsOnce()
    {
        var first = _draining.DrainAsync();
        _draining.DrainAsync().ShouldBeSameAs(first);
        await RunAsync(first);

        _draining.DrainAsync().ShouldBeSameAs(first);
    }

    private FakeConnection Open(bool served = true)
    {
        var open = new FakeConnection();
        _connections.Add(open.Connection);
        if (served)
        {
            _connections.OnRequest(open.Connection);
        }

        return open;
    }

    /// <summary>Lets time pass until the task has ended; returns how much did.</summary>
    private async Task<TimeSpan> RunAsync(Task draining)
    {
        var started = _time.GetTimestamp();
        await AdvanceAsync(TimeSpan.FromMinutes(5), draining);
        draining.IsCompletedSuccessfully.ShouldBeTrue("it never ends");
        return _time.GetElapsedTime(started);
    }

    private async Task AdvanceAsync(TimeSpan by, Task draining)
    {
        for (var passed = TimeSpan.Zero; passed < by; passed += Step)
        {
            await Eventually.TrueAsync(() => draining.IsCompleted || _time.PendingTimers > 0, "it looks again");
            if (draining.IsCompleted)
            {
                return;
            }

            _time.Advance(Step);
        }
    }

    private sealed class FakeConnection : IConnectionLifetimeNotificationFeature
    {
        public FakeConnection() => Connection = new MeshConnection(ListenerRole.Inbound, ConnectionProtocol.Http1) { Lifetime = this };

        public MeshConnection Connection { get; }

        public int Asked { get; private set; }

        public Action? OnAsked { get; set; }

        public CancellationToken ConnectionClosedRequested { get; set; }

        public void RequestClose()
        {
            Asked++;
            OnAsked?.Invoke();
        }
    }
}
