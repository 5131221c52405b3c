using System.Net;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A response body on its way to the caller: sends the headers ahead when the body is not there yet (YARP sends them
/// with its first byte, which of an event stream or a gRPC call may be long in coming), and counts bytes whose number
/// was not declared. Read once.
/// </summary>
internal sealed class ResponseBody : HttpContent
{
    private readonly ForwardedStream _stream;

    private ResponseBody(ForwardedStream stream) => _stream = stream;

    /// <summary>Puts itself in front of a response's body, unless that is declared and there.</summary>
    public static void Wrap(HttpResponseMessage response, HttpContext context, RequestState state, CancellationToken cancellationToken)
    {
        var counts = context.Response.ContentLength is null;
        var body = response.Content.ReadAsStream(cancellationToken);

        // A read of no bytes waits for some. Mostly they came with the headers, and then both leave in one write too.
        var first = body.ReadAsync(Memory<byte>.Empty, cancellationToken);
        if (!counts && first.IsCompletedSuccessfully)
        {
            _ = first.Result;
            return;
        }

        response.Content = new ResponseBody(new ForwardedStream(body, first, context.Response, counts ? state : null));
    }

    /// <inheritdoc/>
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(_stream);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _stream.CopyToAsync(stream);

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
            _stream.Dispose();
        }

        base.Dispose(disposing);
    }

    private sealed class ForwardedStream(Stream body, ValueTask<int> first, HttpResponse response, RequestState? counter) : Stream
    {
        private ValueTask<int> _first = first;
        private bool _begun;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_begun)
            {
                _begun = true;
                return BeginAsync(buffer, cancellationToken);
            }

            var read = body.ReadAsync(buffer, cancellationToken);
            if (counter is null)
            {
                return read;
            }

            if (!read.IsCompletedSuccessfully)
            {
                return CountAsync(read);
            }

            var count = read.Result;
            counter.ResponseBytes += count;
            return ValueTask.FromResult(count);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
            // Read-only.
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                body.Dispose();
            }

            base.Dispose(disposing);
        }

        private async ValueTask<int> BeginAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (!_first.IsCompleted)
            {
                try
                {
                    await response.Body.FlushAsync(cancellationToken);
                }
                finally
                {
                    await _first;
                }
            }
            else
            {
                await _first;
            }

            return buffer.IsEmpty ? 0 : await ReadAsync(buffer, cancellationToken);
        }

        private async ValueTask<int> CountAsync(ValueTask<int> read)
        {
            var count = await read;
            counter!.ResponseBytes += count;
            return count;
        }
    }
}
