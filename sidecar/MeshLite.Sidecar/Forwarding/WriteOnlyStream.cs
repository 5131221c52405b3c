namespace MeshLite.Sidecar.Forwarding;

/// <summary>A stream of which only asynchronous writing makes sense; derived classes say where to.</summary>
internal abstract class WriteOnlyStream : AsyncStream
{
    public sealed override bool CanRead => false;

    public sealed override bool CanWrite => true;

    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    public sealed override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
}
