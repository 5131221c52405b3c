using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Lifecycle;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Lifecycle;

/// <summary>The application is real, the clock is not.</summary>
public sealed class ApplicationHealthTests : IAsyncDisposable
{
    private static readonly TimeSpan Eager = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(1);

    private readonly PauseCounter _time = new();
    private readonly ConcurrentQueue<bool> _reports = new();
    private readonly CancellationTokenSource _stop = new();
    private LocalApplication? _application;
    private ApplicationHealth? _health;
    private Task _running = Task.CompletedTask;

    [Fact]
    public async Task Run_ApplicationThatStartsLate_IsReportedOnce()
    {
        var port = FreePort();
        await StartAsync(port, path: null);
        for (var i = 0; i < 5; i++)
        {
            await NextCheckAsync(Eager);
        }

        _reports.ShouldBeEmpty();
        await using var app = new TcpApp(port: port);
        await NextCheckAsync(Eager);
        await NextCheckAsync(Calm);

        _reports.ShouldBe([true]);
    }

    [Fact]
    public async Task Run_OneLostCheck_IsNoOutage()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await StartAsync(app.Port, "/healthz");

        app.Healthy = false;
        await NextCheckAsync(Calm);
        app.Healthy = true;
        await NextCheckAsync(Eager);

        _reports.ShouldBe([true]);
    }

    [Fact]
    public async Task Run_TwoLostChecks_AreAnOutage()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await StartAsync(app.Port, "/healthz");

        app.Healthy = false;
        await NextCheckAsync(Calm);
        await NextCheckAsync(Eager);
        _reports.ShouldBe([true, false]);

        app.Healthy = true;
        await NextCheckAsync(Eager);
        _reports.ShouldBe([true, false, true]);
    }

    [Fact]
    public async Task Run_ApplicationThatHangs_IsGivenUpAfterASecond()
    {
        await using var app = new TcpApp(async (socket, cancellation) => await Task.Delay(Timeout.Infinite, cancellation));
        var starting = StartAsync(app.Port, "/healthz");
        await Eventually.TrueAsync(() => app.Connections > 0, "the first check");
        starting.IsCompleted.ShouldBeFalse();

        // The connection stands and nothing comes: only the clock can end this check.
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return starting.IsCompleted;
            },
            "the check is given up");

        _health!.Ready.ShouldBeFalse();
        _reports.ShouldBeEmpty();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(15));
        _application?.Dispose();
        _stop.Dispose();
    }

    /// <summary>Starts and waits for the first check.</summary>
    private Task StartAsync(int port, string? path)
    {
        _application = new LocalApplication(new IPEndPoint(IPAddress.Loopback, port), new EndpointConnector(null!, null!, null!, _time), new AttemptSettings(_time, new Random(1)));
        _health = new ApplicationHealth(_application, path, _reports.Enqueue, _time, NullLogger<ApplicationHealth>.Instance);
        _running = Task.Run(() => _health.RunAsync(_stop.Token));
        return Eventually.TrueAsync(() => _time.Pauses > 0, "the first check is over");
    }

    private Task NextCheckAsync(TimeSpan pause)
    {
        var before = _time.Pauses;
        _time.Advance(pause);
        return Eventually.TrueAsync(() => _time.Pauses > before, "the next check is over");
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    /// <summary>The manual clock, counting how often somebody began to wait on it: a pause between two checks.</summary>
    private sealed class PauseCounter : TimeProvider
    {
        private readonly ManualTimeProvider _inner = new();
        private int _pauses;

        public int Pauses => Volatile.Read(ref _pauses);

        public override long TimestampFrequency => _inner.TimestampFrequency;

        public void Advance(TimeSpan by) => _inner.Advance(by);

        public override DateTimeOffset GetUtcNow() => _inner.GetUtcNow();

        public override long GetTimestamp() => _inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = _inner.CreateTimer(callback, state, dueTime, period);
            if (state is Task)
            {
                // Task.Delay; the bound of a check is a CancellationTokenSource.
                Interlocked.Increment(ref _pauses);
            }

            return timer;
        }
    }
}
