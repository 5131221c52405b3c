using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Tests.Config;

/// <summary>A configuration stream with its parts, on manual time, running until disposed.</summary>
internal sealed class ConfigStreamFixture : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();   // Not disposed: a test may stop the stream before the fixture does.
    private Task _running = Task.CompletedTask;
    private int _attempts;

    public ConfigStreamFixture(Uri controlPlane, string stateDir)
    {
        Cache = new(Sink);
        Stream = new(
            new ConfigStreamOptions(controlPlane, () => new Hello { Workload = "web-1" }), () => Connect(controlPlane),
            Cache, new LastGoodFile(stateDir, Log), Outbox, Time, new LargestRandom(), Log);
    }

    public ManualTimeProvider Time { get; } = new();

    public RecordingSink Sink { get; } = new();

    public Outbox Outbox { get; } = new();

    public ResourceCache Cache { get; }

    public ConfigStream Stream { get; }

    public RecordingLogger Log { get; } = new();

    /// <summary>Connects tried so far.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    public ConfigStreamFixture Start()
    {
        Stream.Restore();
        _running = Stream.RunAsync(_stop.Token);
        return this;
    }

    /// <summary>Waits until the loop waits before its next attempt: one timer more than that of saving.</summary>
    public Task BackingOffAsync() => Eventually.TrueAsync(() => Time.PendingTimers == 2, "the stream waits before it connects again");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(15));
    }

    private GrpcConnection Connect(Uri address)
    {
        Interlocked.Increment(ref _attempts);
        var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        return new(new GrpcChannel(address, invoker, new(), Time), invoker);
    }

    /// <summary>Jitter at its upper end.</summary>
    private sealed class LargestRandom : Random
    {
        public override double NextDouble() => 1;
    }
}

/// <summary>Names of events logged.</summary>
internal sealed class RecordingLogger : ILogger<ConfigStream>
{
    private readonly List<string> _events = [];

    public string[] Events
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_events)
        {
            _events.Add(eventId.Name!);
        }
    }
}
