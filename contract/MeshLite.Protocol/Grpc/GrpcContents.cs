using System.IO.Pipelines;
using System.Net;
using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>A request body of one message.</summary>
internal sealed class GrpcUnaryContent<TRequest>(TRequest message) : HttpContent
    where TRequest : class, IMessage<TRequest>
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var pipe = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        new GrpcFrameWriter(pipe).Write(message);
        await pipe.FlushAsync(cancellationToken);
        await pipe.CompleteAsync();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}

/// <summary>
/// A request body that stays open while the call's owner writes messages into it. The HTTP/2 handler calls
/// <see cref="SerializeToStreamAsync(Stream, TransportContext?, CancellationToken)"/> beside the reading of the response.
/// </summary>
internal sealed class GrpcStreamContent : HttpContent
{
    private readonly TaskCompletionSource<GrpcFrameWriter> _writer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ready once there is a connection.</summary>
    public Task<GrpcFrameWriter> Writer => _writer.Task;

    /// <summary>No further message.</summary>
    public void Complete() => _completed.TrySetResult();

    /// <summary>The call has failed before, or while, there was a connection.</summary>
    public void Fail(Exception reason)
    {
        if (_writer.TrySetException(reason))
        {
            _ = _writer.Task.Exception;
        }
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // Sends the headers now, not with the first message: the server may have something to say before it.
        await stream.FlushAsync(cancellationToken);
        var pipe = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        if (!_writer.TrySetResult(new GrpcFrameWriter(pipe)))
        {
            throw new IOException("a stream that may have begun is not sent again");
        }

        await _completed.Task.WaitAsync(cancellationToken);
        await pipe.CompleteAsync();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
