using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Http2;

/// <summary>Both directions of an extended CONNECT (RFC 8441 §5). Disposed: what the peer has ended, ends; else the stream is reset.</summary>
internal sealed class TunnelStream(ResponseBody from, RequestBody to) : DuplexStream
{
    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => from.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => to.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            from.Dispose();
        }

        base.Dispose(disposing);
    }
}
