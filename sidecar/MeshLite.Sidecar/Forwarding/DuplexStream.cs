namespace MeshLite.Sidecar.Forwarding;

/// <summary>A stream of which only asynchronous reading and writing make sense; derived classes say from where and to where.</summary>
internal abstract class DuplexStream : AsyncStream
{
    public sealed override bool CanRead => true;

    public sealed override bool CanWrite => true;

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    public sealed override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
}
