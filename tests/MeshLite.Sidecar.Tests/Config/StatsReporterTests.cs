using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using MeshLite.Metrics;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Listeners;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Config;

public sealed class StatsReporterTests : IDisposable
{
    private static readonly StatsRequest Every30Seconds = new() { Interval = Duration.FromTimeSpan(TimeSpan.FromSeconds(30)) };

    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;
    private readonly PlaintextCallers _callers;
    private readonly ConcurrentQueue<SidecarMessage> _sent = new();
    private readonly StatsReporter _reporter;

    public StatsReporterTests()
    {
        _registry = new MetricRegistry(_time);
        _callers = new PlaintextCallers(_registry, _time);
        _reporter = new StatsReporter(_callers, _sent.Enqueue, _time);
    }

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Look_NobodyAsks_SaysNothing()
    {
        Call("10.0.0.1");
        _reporter.Look();

        _sent.ShouldBeEmpty();
    }

    [Fact]
    public void Asked_AtOnce_TellsAllThereIs()
    {
        Call("10.0.0.1");
        Call("10.0.0.1", letIn: false);
        _time.Advance(TimeSpan.FromSeconds(7));
        Call("::ffff:10.0.0.2");

        _reporter.Asked(Every30Seconds);

        var stats = _sent.ShouldHaveSingleItem().Stats;
        stats.Clock.ShouldBe(_time.GetUtcNow().ToUnixTimeMilliseconds());
        stats.CountingSince.ShouldBe(_time.GetUtcNow().ToUnixTimeSeconds() - 7);
        stats.PlaintextCallers.ShouldBe(
        [
            new Protocol.V1.PlaintextCaller { Address = "10.0.0.2", Connections = 1, Last = stats.CountingSince + 7 },
            new Protocol.V1.PlaintextCaller { Address = "10.0.0.1", Connections = 2, Refused = 1, Last = stats.CountingSince },
        ]);
    }

    [Fact]
    public void Look_Changes_OnlyThenAndOnceAnInterval()
    {
        _reporter.Asked(Every30Seconds);
        _reporter.Look();
        _sent.Count.ShouldBe(1, "nothing has changed");

        Call("10.0.0.1");
        _reporter.Look();
        _sent.Count.ShouldBe(2, "the first change need not wait");

        Call("10.0.0.1");
        _time.Advance(TimeSpan.FromSeconds(29));
        _reporter.Look();
        _sent.Count.ShouldBe(2);
        _time.Advance(TimeSpan.FromSeconds(1));
        _reporter.Look();
        _sent.Count.ShouldBe(3);
        _sent.Last().Stats.PlaintextCallers.ShouldHaveSingleItem().Connections.ShouldBe(2ul);
        _time.Advance(TimeSpan.FromMinutes(10));
        _reporter.Look();
        _sent.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Asked_NoMore_SaysNothing(bool byInterval)
    {
        _reporter.Asked(Every30Seconds);
        _reporter.Asked(byInterval ? new StatsRequest { Interval = new Duration() } : null);

        Call("10.0.0.1");
        _reporter.Look();

        _sent.Count.ShouldBe(1);
    }

    [Fact]
    public void Asked_ManyCallers_TellsTheNewest32()
    {
        for (var i = 0; i < 100; i++)
        {
            Call($"10.0.0.{i}");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        _reporter.Asked(Every30Seconds);

        _sent.ShouldHaveSingleItem().Stats.PlaintextCallers.Select(c => c.Address).ShouldBe(Enumerable.Range(68, 32).Reverse().Select(i => $"10.0.0.{i}"));
    }

    [Fact]
    public async Task Run_LooksEveryTwoSeconds()
    {
        using var stop = new CancellationTokenSource();
        _reporter.Asked(Every30Seconds);
        var running = _reporter.RunAsync(stop.Token);
        Call("10.0.0.1");

        _time.Advance(StatsReporter.LookInterval);

        await Eventually.TrueAsync(() => _sent.Count == 2, "it is told");
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
    }

    private void Call(string from, bool letIn = true) => _callers.Note(new IPEndPoint(IPAddress.Parse(from), 1), http: true, letIn);
}
