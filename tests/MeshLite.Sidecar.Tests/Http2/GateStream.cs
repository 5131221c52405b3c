namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>A transport whose writes can be held: what is written meanwhile has not left, and may be lost.</summary>
internal sealed class GateStream(Stream inner) : Stream
{
    private TaskCompletionSource? _gate;

    private readonly TaskCompletionSource _held = new();

    /// <summary>A write stands before the gate.</summary>
    public Task Held => _held.Task;

    public bool IsDisposed { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>From now on.</summary>
    public void Hold() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var gate = _gate;
        _gate = null;
        gate!.SetResult();
    }

    /// <summary>The write that is held fails.</summary>
    public void Break() => _gate!.TrySetException(new IOException("broken pipe"));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_gate is { } gate)
        {
            _held.TrySetResult();
            await gate.Task;
        }

        await inner.WriteAsync(buffer, cancellationToken);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        inner.Dispose();
        _gate?.TrySetException(new ObjectDisposedException(nameof(GateStream)));
        base.Dispose(disposing);
    }
}
