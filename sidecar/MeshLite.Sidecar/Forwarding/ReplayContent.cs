using System.Net;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A request body that can be sent to one attempt after another though it can be read only once. One pump reads
/// the caller's body, keeps the first <see cref="MaxReplayBytes"/>, and writes to whichever attempt is current;
/// a later attempt first gets what was kept, then the rest as it comes. Nothing is read ahead: without a current
/// attempt the pump waits.
/// </summary>
/// <remarks>
/// Threads: the pump runs on one task; attempts follow one another (<see cref="AttemptInvoker"/> starts one only
/// after the last has ended). <see cref="_lock"/> guards the hand-over between them.
/// </remarks>
internal sealed class ReplayContent(HttpContent source, RequestState state) : HttpContent
{
    /// <value>Bytes of a body kept for another attempt; a longer body is not sent again. 64 KiB (design.md §3).</value>
    public const int MaxReplayBytes = 64 * 1024;

    /// <value>
    /// How long the rest of a body over HTTP/1.1 is read that nobody takes any more: a server that answers early and closes at once
    /// may cost its caller the answer (RFC 9112 §9.6). Over HTTP/2 the caller is told to stop (RFC 9113 §8.1). 5 s, as Kestrel does.
    /// </value>
    private static readonly TimeSpan DrainFor = TimeSpan.FromSeconds(5);

    private const int Http2NoError = 0; // RFC 9113 §8.1: the response is whole, the rest of the request is not wanted

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopPump = new(Timeout.InfiniteTimeSpan, state.Time);
    private readonly bool _lengthUndeclared = source.Headers.ContentLength is null;
    private ReplayBuffer _kept;
    private bool _committed;
    private bool _finished;
    private bool _started;
    private bool _abandoned;
    private bool _answered;
    private bool _sendFailed;
    private Exception? _failure;
    private TaskCompletionSource<ReadOnlyMemory<byte>?>? _whole;
    private ReplayAttempt? _current;
    private TaskCompletionSource _attached = NewSignal();

    /// <summary>Whether reading the caller's body failed: no attempt's fault. Asked before <see cref="Commit"/>, which may end the reading itself.</summary>
    public bool BrokeOff
    {
        get
        {
            lock (_lock)
            {
                return _finished && _failure is not null && !_sendFailed;
            }
        }
    }

    /// <summary>Whether all that was read is kept, so that another attempt could send it.</summary>
    public bool CanReplay
    {
        get
        {
            lock (_lock)
            {
                return !_kept.Overflowed && _failure is null;
            }
        }
    }

    /// <summary>The body, if the whole of it has been read and is kept; else null.</summary>
    public ReadOnlyMemory<byte>? Whole
    {
        get
        {
            lock (_lock)
            {
                // Not one conditional expression: null would become an empty Memory, by way of an array.
                if (!_finished || _failure is not null || _kept.Overflowed)
                {
                    return null;
                }

                return _kept.Bytes;
            }
        }
    }

    /// <summary>As <see cref="Whole"/>, once it has been read; null: it was too long, or broke off. May be called once, before the first attempt.</summary>
    public Task<ReadOnlyMemory<byte>?> WholeAsync()
    {
        lock (_lock)
        {
            _whole ??= new TaskCompletionSource<ReadOnlyMemory<byte>?>(TaskCreationOptions.RunContinuationsAsynchronously);
            return _whole.Task;
        }
    }

    /// <summary>Whether the whole body was read, and passed on or thrown away. False: it is still being read, or that failed.</summary>
    public bool IsRead
    {
        get
        {
            lock (_lock)
            {
                return _finished && _failure is null;
            }
        }
    }

    /// <summary>Wraps a body, with the header fields that describe it.</summary>
    public static ReplayContent Wrap(HttpContent source, RequestState state)
    {
        var content = new ReplayContent(source, state);
        foreach (var (name, values) in source.Headers.NonValidated)
        {
            content.Headers.TryAddWithoutValidation(name, values);
        }

        return content;
    }

    /// <summary>
    /// Takes the body away from the attempt that failed, so that another can send it: until then nothing is read.
    /// False: the whole of it can't be sent again, and it stays where it is.
    /// </summary>
    public bool TryRelease()
    {
        ReplayAttempt? before;
        lock (_lock)
        {
            if (_kept.Overflowed || _failure is not null)
            {
                return false;
            }

            before = Detach_NeedsLock();
        }

        before?.End(new OperationCanceledException("Another attempt sends the body now."));
        return true;
    }

    /// <summary>
    /// No further attempt will be made. When the current one stops taking the body (the server answered without reading it
    /// all), so does the pump: over HTTP/2 at once, else after reading and throwing away for <see cref="DrainFor"/> at most.
    /// </summary>
    public void Commit()
    {
        lock (_lock)
        {
            _committed = true;
            if (!_started)
            {
                _whole?.TrySetResult(null); // nobody ever asked for it
            }

            if (_started && _current is null && !_finished)
            {
                Drain_NeedsLock();
            }
        }
    }

    /// <summary>The caller has the whole response: from now on it is told to stop sending when nobody takes its body.</summary>
    public void OnAnswered()
    {
        lock (_lock)
        {
            _answered = true;
            if (_abandoned)
            {
                StopCaller();
            }
        }
    }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var attempt = new ReplayAttempt(stream, cancellationToken);
        await SendKeptAsync(attempt);
        using var detachWhenCancelled = cancellationToken.UnsafeRegister(
            static state => ((Action)state!)(), (Action)(() => Detach(attempt, new OperationCanceledException(cancellationToken))));
        await attempt.Ended;
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
            lock (_lock)
            {
                _kept.Clear();
                _whole?.TrySetResult(null);
            }
        }

        base.Dispose(disposing);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task SendKeptAsync(ReplayAttempt attempt)
    {
        // From here until this attempt is attached there is none, so the pump waits and what is kept stays as it is.
        // A write on its way to the attempt before has been kept already: keeping and taking the target are one step.
        ReplayAttempt? before;
        ReadOnlyMemory<byte> kept;
        lock (_lock)
        {
            before = Detach_NeedsLock();
            if (_kept.Overflowed)
            {
                // A handler that sends again by itself, which ours do not.
                throw new ConnectException(tls: false, "the server refused the request, whose body is too long to be sent a second time");
            }

            kept = _kept.Bytes;
        }

        before?.End(new OperationCanceledException("Another attempt sends the body now."));
        if (!kept.IsEmpty)
        {
            await attempt.Stream.WriteAsync(kept, attempt.Cancellation);
        }

        // Headers go out now, not with the first bytes of a body that may be long in coming (a gRPC duplex call).
        await attempt.Stream.FlushAsync(attempt.Cancellation);

        bool start;
        lock (_lock)
        {
            if (_finished)
            {
                attempt.End(_failure);
                return;
            }

            _current = attempt;
            _attached.TrySetResult();
            start = !_started;
            _started = true;
        }

        if (start)
        {
            _ = PumpAsync();
        }
    }

    private async Task PumpAsync()
    {
        Exception? failure = null;
        try
        {
            await source.CopyToAsync(new PumpStream(this), context: null, _stopPump.Token);
        }
        catch (Exception e)
        {
            // The caller's body broke off, or nobody takes it any more. Not swallowed: the attempt ends with it.
            failure = e;
        }

        ReplayAttempt? last;
        lock (_lock)
        {
            _finished = true;
            _failure = failure;
            last = _current;
        }

        _whole?.TrySetResult(Whole);
        last?.End(failure);
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (_lengthUndeclared)
        {
            state.RequestBytes += data.Length;
        }

        ReplayAttempt? attempt;
        while (!TryKeep(data.Span, out attempt, out var attached))
        {
            await attached.WaitAsync(cancellationToken);
        }

        if (attempt is null)
        {
            return; // thrown away
        }

        try
        {
            // Flushed at each write: HttpClient holds small writes back, and the caller may be waiting for an answer to this one.
            await attempt.Stream.WriteAsync(data, attempt.Cancellation);
            await attempt.Stream.FlushAsync(attempt.Cancellation);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            if (!Detach(attempt, e))
            {
                _sendFailed = true; // read once the pump has ended
                throw new IOException("The request body could not be sent.", e);
            }
        }
    }

    /// <summary>Keeps what is about to be written and says to whom (null: to nobody ever again); false: nobody takes the body now, wait.</summary>
    private bool TryKeep(ReadOnlySpan<byte> data, out ReplayAttempt? attempt, out Task attached)
    {
        lock (_lock)
        {
            attempt = _current;
            attached = _attached.Task;
            if (attempt is null && !_committed)
            {
                return false;
            }

            _kept.Add(data, _committed && _whole is null ? 0 : MaxReplayBytes);
            return true;
        }
    }

    /// <summary>The attempt takes nothing any more. Returns whether the body is to be read on: another can send it, or it is drained.</summary>
    private bool Detach(ReplayAttempt attempt, Exception reason)
    {
        bool goOn;
        lock (_lock)
        {
            goOn = _committed || !_kept.Overflowed;
            if (!ReferenceEquals(_current, attempt))
            {
                return goOn;
            }

            Detach_NeedsLock();
            if (_committed && !_finished)
            {
                Drain_NeedsLock();
            }
        }

        attempt.End(reason);
        return goOn;
    }

    private void Drain_NeedsLock()
    {
        _abandoned = true;
        _attached.TrySetResult(); // a pump that waits for another attempt goes on
        if (!HttpProtocol.IsHttp2(state.Context.Request.Protocol))
        {
            _stopPump.CancelAfter(DrainFor);
        }
        else if (_answered)
        {
            StopCaller();
        }
        else
        {
            _stopPump.CancelAfter(TimeSpan.Zero); // not Cancel: nobody's code may run under the lock
        }
    }

    /// <summary>Reading the body ends with it too.</summary>
    private void StopCaller() => state.Context.Features.Get<IHttpResetFeature>()?.Reset(Http2NoError);

    private ReplayAttempt? Detach_NeedsLock()
    {
        var attempt = _current;
        if (attempt is not null)
        {
            _current = null;
            _attached = NewSignal();
        }

        return attempt;
    }

    /// <summary>What the pump copies into.</summary>
    private sealed class PumpStream(ReplayContent owner) : WriteOnlyStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            owner.WriteAsync(buffer, cancellationToken);
    }
}
