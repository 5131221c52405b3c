using Google.Protobuf.WellKnownTypes;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Sources;
using MeshLite.ControlPlane.Status;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// One open stream, from its Hello on. Two loops: the reader hands the sidecar's messages to the <see cref="Mailbox"/> (health it
/// applies at once), the sender owns the <see cref="StreamState"/> and is the only one to write. One Update at a time
/// is out unacknowledged; what changes meanwhile, or while it waits its turn (<see cref="UpdateGate"/>), is gathered into the next, so a slow sidecar
/// gets fewer and newer Updates, and delays nobody. The stream ends with the first failure of either loop.
/// </summary>
internal sealed class SidecarStream(
    StreamOwner owner, StreamState state, Mailbox mailbox, WorkloadLease? lease, ConnectedSidecar connected, UpdateGate gate, TimeProvider time, ControlPlaneMetrics metrics,
    ILogger logger)
{
    /// <value>Refusals kept for operators.</value>
    private const int MaxRefusals = 5;

    private ulong _nonce;
    private bool _isFirst = true;
    private Outstanding? _outstanding;
    private long _inventoryAt;

    /// <summary>Runs until the sidecar ends the stream, or it is ended: by <paramref name="cancellationToken"/> or a failure.</summary>
    public async Task RunAsync(
        Func<CancellationToken, ValueTask<SidecarMessage?>> read, Func<EncodedMessage, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _inventoryAt = time.GetTimestamp();
        using var clock = time.CreateTimer(_ => mailbox.Wake(), null, StreamLimits.InventoryInterval, StreamLimits.InventoryInterval);
        await using var over = ended.Token.UnsafeRegister(static mailbox => ((Mailbox)mailbox!).Wake(), mailbox);
        mailbox.Wake();
        var reading = ReadAllAsync(read, ended.Token);
        var sending = SendAllAsync(message => write(message, ended.Token), ended.Token);
        var first = await Task.WhenAny(reading, sending);
        await ended.CancelAsync();
        await Task.WhenAll(reading, sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _outstanding?.Turn.Dispose();
        await first;
    }

    private async Task ReadAllAsync(Func<CancellationToken, ValueTask<SidecarMessage?>> read, CancellationToken cancellationToken)
    {
        while (await read(cancellationToken) is { } message)
        {
            switch (message.MessageCase)
            {
                case SidecarMessage.MessageOneofCase.Health:
                    lease?.SetHealth(message.Health.Ready, message.Health.Draining);
                    break;
                case SidecarMessage.MessageOneofCase.Stats:
                    connected.Stats = SidecarStats.Read(message.Stats, time.GetUtcNow());
                    break;
                case SidecarMessage.MessageOneofCase.Hello:
                    throw new GrpcException(GrpcStatusCode.InvalidArgument, "Hello comes once, first");
                case SidecarMessage.MessageOneofCase.None:
                    // A message of a later version of the contract.
                    break;
                default:
                    await mailbox.PostAsync(message, cancellationToken);
                    break;
            }
        }
    }

    private async Task SendAllAsync(Func<EncodedMessage, ValueTask> write, CancellationToken cancellationToken)
    {
        while (true)
        {
            TakeIn();
            if (_outstanding is null && (state.HasWork || _isFirst))
            {
                connected.IsCurrent = false;
                var entering = gate.EnterAsync(cancellationToken);
                var turn = entering.IsCompletedSuccessfully ? entering.Result : await InLineAsync(entering);
                await SendUpdateAsync(write, turn);
            }

            connected.IsCurrent = _outstanding is null && !state.HasWork;
            await KeepTimeAsync(write);
            await mailbox.WaitAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async ValueTask<UpdateGate.Turn> InLineAsync(ValueTask<UpdateGate.Turn> entering)
    {
        metrics.UpdatesWaiting(1);
        try
        {
            var turn = await entering;
            // Meanwhile it may have become more, or less.
            TakeIn();
            return turn;
        }
        finally
        {
            metrics.UpdatesWaiting(-1);
        }
    }

    private void TakeIn()
    {
        while (mailbox.TryTakeMessage(out var message))
        {
            Handle(message!);
        }

        state.Changed(mailbox.TakeChanged());
    }

    private async Task SendUpdateAsync(Func<EncodedMessage, ValueTask> write, UpdateGate.Turn turn)
    {
        var batch = state.Take();
        // The first tells the sidecar that it is in step, also when it held everything already.
        if (batch.Resources.Count == 0 && !_isFirst)
        {
            turn.Dispose();
            return;
        }

        var isFirst = _isFirst;
        _isFirst = false;
        _outstanding = new Outstanding(++_nonce, time.GetTimestamp(), batch.ChangedAt, batch.Versions, turn);
        metrics.UpdateSent(batch.Bytes);
        await write(EncodedMessage.Update(_nonce, batch.Resources));
        if (isFirst)
        {
            await write(EncodedMessage.Of(new ControlPlaneMessage { StatsRequest = new StatsRequest { Interval = Duration.FromTimeSpan(StreamLimits.StatsInterval) } }));
        }
    }

    private ValueTask KeepTimeAsync(Func<EncodedMessage, ValueTask> write)
    {
        if (_outstanding is { } outstanding && time.GetElapsedTime(outstanding.SentAt) >= StreamLimits.AckTimeout)
        {
            throw new GrpcException(GrpcStatusCode.DeadlineExceeded, $"update {outstanding.Nonce} was not acknowledged within {StreamLimits.AckTimeout}");
        }

        // Not while an Update is out: the sidecar may not hold yet what it brings.
        if (_outstanding is null && time.GetElapsedTime(_inventoryAt) >= StreamLimits.InventoryInterval)
        {
            _inventoryAt = time.GetTimestamp();
            return write(EncodedMessage.Of(new ControlPlaneMessage { Inventory = new Inventory { Nonce = _nonce, Resources = { state.Inventory() } } }));
        }

        return ValueTask.CompletedTask;
    }

    private void Handle(SidecarMessage message)
    {
        switch (message.MessageCase)
        {
            case SidecarMessage.MessageOneofCase.Subscribe:
                state.Subscribe(message.Subscribe.Authorities);
                break;
            case SidecarMessage.MessageOneofCase.Unsubscribe:
                state.Unsubscribe(message.Unsubscribe.Authorities);
                break;
            case SidecarMessage.MessageOneofCase.Resync:
                Demand(message.Resync.Keys.Count <= StreamLimits.MaxKeys, $"Resync: {message.Resync.Keys.Count} keys are too many");
                StreamingLog.Resync(logger, owner.Identity, owner.Workload, message.Resync.Keys.Count);
                state.Resync(message.Resync.Keys);
                break;
            default:
                HandleAck(message.Ack);
                break;
        }
    }

    private void HandleAck(Ack ack)
    {
        Demand(_outstanding?.Nonce == ack.Nonce, $"Ack of update {ack.Nonce}, which is not out");
        foreach (var rejection in ack.Rejected)
        {
            StreamingLog.ResourceRejected(logger, owner.Identity, owner.Workload, rejection.Key, rejection.Version, rejection.Reason);
            metrics.ResourceRejected(rejection.Key);
            state.Rejected(rejection.Key, rejection.Version, rejection.Reason);
        }

        state.Acknowledged(_outstanding!.Versions);
        if (ack.Rejected.Count > 0 || connected.Refused.Count > 0)
        {
            connected.Refused = [.. state.Refusals().Take(MaxRefusals).Select(r => r.Length <= ResourceTally.MaxReason ? r : r[..ResourceTally.MaxReason])];
        }

        if (_outstanding.ChangedAt is { } changedAt && ack.Rejected.Count == 0)
        {
            metrics.Acknowledged(time.GetElapsedTime(changedAt));
        }

        _outstanding.Turn.Dispose();
        _outstanding = null;
    }

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, otherwise);
        }
    }

    private sealed record Outstanding(ulong Nonce, long SentAt, long? ChangedAt, List<SentVersion>? Versions, UpdateGate.Turn Turn);
}
