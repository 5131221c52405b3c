using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A response body on its way to the caller: sends the headers ahead when the body is not there yet (YARP sends them
/// with its first byte, which of an event stream or a gRPC call may be long in coming), and counts bytes whose number
/// was not declared. Read once.
/// </summary>
internal sealed class ForwardedBody(Stream body, ValueTask<int> first, HttpResponse response, RequestState? counter) : ReadOnlyStream
{
    private ValueTask<int> _first = first;
    private bool _begun;

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

        response.Content = new ResponseContent(new ForwardedBody(body, first, context.Response, counts ? state : null));
    }

    /// <inheritdoc/>
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

    /// <inheritdoc/>
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
