using System.Net.Security;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A connection to a peer sidecar that may still turn out to be none: in TLS 1.3 the client is done before the server has
/// judged its certificate, and a server that does not like it just closes. So only the connection preface, which is the client's
/// first write, goes out at once; requests are held back until the server has said its first word (SETTINGS, RFC 9113 §3.4). If
/// the connection ends before, none was delivered, and that is thrown as what <paramref name="unheard"/> makes of it. Sent
/// along with the preface, as HTTP/2 allows, a request could be served and that word be lost to a reset, and nobody could tell.
/// Costs a round trip a connection. Used as a stream is: one reader, one writer.
/// </summary>
internal sealed class FirstWordStream(SslStream inner, PeerContact contact, Func<Exception?, ConnectException> unheard) : Stream
{
    /// <summary>Null: the first word has come; else why it never will.</summary>
    private readonly TaskCompletionSource<Exception?> _firstWord = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private volatile bool _heard;
    private bool _prefaceSent;
    private int _left;

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

    public override ValueTask DisposeAsync()
    {
        Leave();
        _firstWord.TrySetResult(new ObjectDisposedException(nameof(FirstWordStream)));
        return inner.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Leave();
            _firstWord.TrySetResult(new ObjectDisposedException(nameof(FirstWordStream)));
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Leave()
    {
        if (_heard && Interlocked.Exchange(ref _left, 1) == 0)
        {
            contact.Lost();
        }
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
            _firstWord.TrySetResult(e);
            throw unheard(e);
        }

        if (read > 0)
        {
            _heard = true;
            contact.Heard();
            _firstWord.TrySetResult(null);
        }
        else if (!buffer.IsEmpty)
        {
            _firstWord.TrySetResult(new EndOfStreamException());
            throw unheard(null);
        }

        return read;
    }

    private async ValueTask WriteFirstAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_prefaceSent && await _firstWord.Task.WaitAsync(cancellationToken) is { } failure)
        {
            throw unheard(failure);
        }

        _prefaceSent = true;
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
