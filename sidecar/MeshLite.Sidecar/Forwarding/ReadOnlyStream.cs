namespace MeshLite.Sidecar.Forwarding;

/// <summary>A stream of which only asynchronous reading makes sense; derived classes say from where.</summary>
internal abstract class ReadOnlyStream : AsyncStream
{
    public sealed override bool CanRead => true;

    public sealed override bool CanWrite => false;

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
}
