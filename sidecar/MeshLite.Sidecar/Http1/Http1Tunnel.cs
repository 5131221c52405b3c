using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Http1;

/// <summary>Both directions of a connection that has switched protocols (RFC 9110 §7.8). Disposed, it is closed.</summary>
internal sealed class Http1Tunnel(Http1Connection connection, Stream transport) : DuplexStream
{
    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var came = connection.Buffered; // with the head of the response
        if (came.IsEmpty)
        {
            return transport.ReadAsync(buffer, cancellationToken);
        }

        var read = Math.Min(came.Length, buffer.Length);
        came[..read].CopyTo(buffer.Span);
        connection.Consume(read);
        return ValueTask.FromResult(read);
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => transport.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Close();
        }

        base.Dispose(disposing);
    }
}
