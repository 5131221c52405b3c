using System.Security.Authentication;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// The stream to the control plane, and the only writer of configuration: connects, says Hello, applies each
/// Update and acknowledges it, compares inventories, and connects again with full-jitter backoff when the stream
/// breaks. While it is broken the last good configuration stays in force. One loop; the properties may be read
/// from any thread.
/// </summary>
internal sealed class ConfigStream(
    ConfigStreamOptions options, Func<GrpcConnection> connect, ResourceCache cache, LastGoodFile file, Outbox outbox,
    TimeProvider time, Random random, ILogger<ConfigStream> log)
{
    /// <value>First upper bound of the wait before another connect; doubles up to 5 s: half the 10 s for which a registration outlives its stream. 100 ms.</value>
    private static readonly TimeSpan BackoffBase = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan BackoffCap = TimeSpan.FromSeconds(5);

    /// <value>A stream that lasted this long was a success; the wait begins anew at 100 ms. 1 s.</value>
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(1);

    /// <value>Between looks whether the configuration on disk is older than the one in force. 1 s.</value>
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile CancellationTokenSource? _stream;
    private volatile string? _problem;
    private long _lastUpdate = time.GetTimestamp();
    private long _rejected;
    private object? _saved;

    /// <summary>Completes when mesh and workload are known, from disk or from the stream.</summary>
    public Task FirstConfig => _first.Task;

    /// <summary>Whether the stream is open now.</summary>
    public bool Connected { get; private set; }

    /// <summary>Why it is not; null while it is.</summary>
    public string? Problem => _problem;

    /// <summary>Resources refused so far.</summary>
    public long Rejected => Interlocked.Read(ref _rejected);

    /// <summary>Since the control plane last confirmed what is in force.</summary>
    public TimeSpan Age => time.GetElapsedTime(Interlocked.Read(ref _lastUpdate));

    /// <summary>The control plane asks for statistics; null: not any more, the stream has ended. On the stream's loop.</summary>
    public event Action<StatsRequest?>? StatsAsked;

    /// <summary>Takes up what an earlier process kept; called once, before <see cref="RunAsync"/>.</summary>
    public void Restore()
    {
        if (file.Restore(cache) is > 0 and var count)
        {
            ConfigLog.Restored(log, count);
            _saved = cache.Snapshot;
        }

        CompleteFirst();
    }

    /// <summary>Ends the open stream and opens another: the identity it was opened with has been renewed. Any thread.</summary>
    public void Reconnect()
    {
        try
        {
            _stream?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended at this moment; the next one shows the new identity.
        }
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var saving = SaveAsync(cancellationToken);
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var nonce = 0ul;
            var opened = time.GetTimestamp();
            using var stream = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _stream = stream;
            try
            {
                await foreach (var message in OpenAsync(stream.Token))
                {
                    nonce = Handle(message, nonce);
                }

                Fail("the control plane ended it");
            }
            catch (OperationCanceledException) when (stream.IsCancellationRequested)
            {
                // Stopping, or a new identity: the next stream is opened at once.
                failures = 0;
                continue;
            }
            catch (Exception e) when (e is GrpcException or HttpRequestException or IOException or AuthenticationException or OperationCanceledException)
            {
                Fail(e is HttpRequestException { InnerException: { } inner } ? inner.Message : e.Message);
            }
            catch (Exception e)
            {
                ConfigLog.StreamLoopFailed(log, e);
            }
            finally
            {
                _stream = null;
                failures = Connected && time.GetElapsedTime(opened) >= Stable ? 0 : failures;
                Connected = false;
                StatsAsked?.Invoke(null);
            }

            failures++;
            await Task.Delay(Backoff(failures), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await saving;
        SaveIfChanged();
    }

    private async IAsyncEnumerable<ControlPlaneMessage> OpenAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var connection = connect();
        using var call = connection.Channel.Duplex(MeshMethods.ConfigurationStream, new GrpcCallOptions(), cancellationToken);
        var hello = options.Hello();
        hello.Held.AddRange(cache.Held);
        outbox.Begin(hello);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = Task.CompletedTask;
        try
        {
            await call.WriteAsync(new SidecarMessage { Hello = hello });
            writing = WriteAsync(call, ended.Token);
            await foreach (var message in call.ReadAllAsync(cancellationToken))
            {
                if (!Connected)
                {
                    Connected = true;
                    _problem = null;
                    ConfigLog.StreamOpened(log, options.ControlPlane);
                }

                yield return message;
            }
        }
        finally
        {
            await ended.CancelAsync();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            outbox.End();
        }
    }

    private async Task WriteAsync(GrpcDuplexCall<SidecarMessage, ControlPlaneMessage> call, CancellationToken cancellationToken)
    {
        await foreach (var message in outbox.Messages.ReadAllAsync(cancellationToken))
        {
            await call.WriteAsync(message);
        }
    }

    /// <summary>Returns the nonce of the newest update applied.</summary>
    private ulong Handle(ControlPlaneMessage message, ulong nonce)
    {
        Interlocked.Exchange(ref _lastUpdate, time.GetTimestamp());
        switch (message.MessageCase)
        {
            case ControlPlaneMessage.MessageOneofCase.Update when message.Update.Nonce <= nonce:
                ConfigLog.StaleUpdate(log, message.Update.Nonce, nonce);
                return nonce;
            case ControlPlaneMessage.MessageOneofCase.Update:
                Apply(message.Update);
                return message.Update.Nonce;
            case ControlPlaneMessage.MessageOneofCase.StatsRequest:
                StatsAsked?.Invoke(message.StatsRequest);
                return nonce;
            case ControlPlaneMessage.MessageOneofCase.Inventory when message.Inventory.Nonce >= nonce:
                Resync(cache.Differences(message.Inventory));
                return nonce;
            default:
                return nonce;
        }
    }

    private void Apply(Update update)
    {
        var ack = new Ack { Nonce = update.Nonce };
        var resync = new List<string>();
        foreach (var resource in update.Resources)
        {
            var result = cache.Apply(resource);
            if (result.Rejection is { } reason)
            {
                Interlocked.Increment(ref _rejected);
                ConfigLog.ResourceRejected(log, resource.Key, resource.Version, reason);
                ack.Rejected.Add(new Rejection { Key = resource.Key, Version = resource.Version, Reason = reason });
            }
            else if (!result.IsApplied)
            {
                resync.Add(resource.Key);
                ack.Rejected.Add(new Rejection { Key = resource.Key, Version = resource.Version, Reason = "the delta does not fit what is held" });
            }
        }

        outbox.Send(new SidecarMessage { Ack = ack });
        Resync(resync);
        CompleteFirst();
    }

    private void Resync(List<string> keys)
    {
        if (keys.Count > 0)
        {
            ConfigLog.Resync(log, keys.Count, keys[0]);
            outbox.Send(new SidecarMessage { Resync = new Resync { Keys = { keys } } });
        }
    }

    private void CompleteFirst()
    {
        if (cache.IsSufficient)
        {
            _first.TrySetResult();
        }
    }

    private void Fail(string reason)
    {
        if (_problem != reason)
        {
            ConfigLog.StreamFailed(log, options.ControlPlane, reason);
        }

        _problem = reason;
    }

    // Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    private TimeSpan Backoff(int failures) =>
        TimeSpan.FromTicks((long)(Math.Min(BackoffCap.Ticks, BackoffBase.Ticks << Math.Min(failures - 1, 20)) * random.NextDouble()));

    private async Task SaveAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(SaveInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                SaveIfChanged();
            }
        }
        catch (OperationCanceledException)
        {
            // RunAsync saves once more when nothing changes any longer.
        }
    }

    private void SaveIfChanged()
    {
        var snapshot = cache.Snapshot;
        if (!ReferenceEquals(snapshot, _saved) && cache.IsSufficient)
        {
            file.Save(cache);
            _saved = snapshot;
        }
    }
}

/// <summary>What the stream says of this sidecar. <paramref name="Hello"/> makes the part that does not change while the process runs.</summary>
internal sealed record ConfigStreamOptions(Uri ControlPlane, Func<Hello> Hello);

/// <summary>A channel to the control plane, and what to dispose to end its connection.</summary>
internal sealed class GrpcConnection(GrpcChannel channel, IDisposable owner) : IDisposable
{
    /// <summary>For the call.</summary>
    public GrpcChannel Channel => channel;

    /// <inheritdoc/>
    public void Dispose() => owner.Dispose();
}
