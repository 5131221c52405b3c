using System.Net.Security;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A connection to a peer sidecar that may still turn out to be none: in TLS 1.3 the client is done before the server has
/// judged its certificate, and a server that does not like it just closes. HTTP/2 servers speak first (SETTINGS, RFC 9113
/// §3.4) and answer nothing before: until a byte has come, the end of the connection means that nothing was delivered,
/// and is thrown as what <paramref name="unheard"/> makes of it. Used as a stream is: one reader, one writer.
/// </summary>
internal sealed class FirstWordStream(SslStream inner, Func<Exception?, ConnectException> unheard) : Stream
{
    private volatile bool _heard;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _heard ? inner.ReadAsync(buffer, cancellationToken) : ReadFirstAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _heard ? inner.WriteAsync(buffer, cancellationToken) : WriteFirstAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int read;
        try
        {
            read = await inner.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (!_heard && e is (IOException or SocketException or ObjectDisposedException))
        {
            throw unheard(e);
        }

        if (read > 0)
        {
            _heard = true;
        }
        else if (!buffer.IsEmpty)
        {
            throw unheard(null);
        }

        return read;
    }

    private async ValueTask WriteFirstAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            await inner.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (!_heard && e is (IOException or SocketException or ObjectDisposedException))
        {
            throw unheard(e);
        }
    }
}
