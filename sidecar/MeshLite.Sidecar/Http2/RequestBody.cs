using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Http2;

/// <summary>What a request's body is written to: it goes out as the windows of stream and connection allow (RFC 9113 §5.2), and each write soon. One writer.</summary>
internal sealed class RequestBody(Http2Stream stream) : WriteOnlyStream
{
    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        stream.Connection.TrySendBody(stream, ref buffer, out var room) ? ValueTask.CompletedTask : WriteAsync(buffer, room, cancellationToken);

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, Task? room, CancellationToken cancellationToken)
    {
        do
        {
            await room!.WaitAsync(cancellationToken);
        }
        while (!stream.Connection.TrySendBody(stream, ref buffer, out room));
    }
}
