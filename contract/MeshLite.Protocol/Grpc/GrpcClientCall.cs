using System.IO.Pipelines;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// One call on the client's side, under every public form of it: sends the request, reads messages, turns the end into
/// a status. One reader at a time; <see cref="Dispose"/> may come from any thread and resets the stream if it is open.
/// </summary>
internal sealed class GrpcClientCall : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _expiry;
    private readonly CancellationTokenSource _ended;
    private readonly Task<HttpResponseMessage> _response;
    private GrpcFrameReader? _reader;
    private volatile bool _disposed;

    public GrpcClientCall(GrpcChannel channel, string path, HttpContent content, GrpcCallOptions? options, CancellationToken caller)
    {
        (_channel, _caller) = (channel, caller);
        _expiry = options?.Timeout is { } timeout && timeout < GrpcHeaders.LongestTimer ? new(timeout, channel.Time) : new();
        _ended = CancellationTokenSource.CreateLinkedTokenSource(caller, _expiry.Token);
        _response = SendAsync(GrpcClientProtocol.Request(channel, path, content, options), content);
    }

    /// <summary>The next message; null when the call has ended with OK.</summary>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        try
        {
            // Cancelling a read ends the call: half a message cannot be put back.
            using var registration = cancellationToken.UnsafeRegister(static call => ((GrpcClientCall)call!).Cancel(), this);
            var response = await _response;
            _reader ??= await OpenAsync(response);
            var message = await _reader.ReadAsync(parser, _ended.Token);
            if (message is null)
            {
                GrpcClientProtocol.CheckStatus(response, response.TrailingHeaders);
            }

            return message;
        }
        catch (Exception e) when (e is not GrpcException)
        {
            throw Translate(e, cancellationToken);
        }
    }

    /// <summary>The only message of a call that has exactly one.</summary>
    public async ValueTask<T> ReadSingleAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        var message = await ReadAsync(parser, cancellationToken) ?? throw WrongCount("none");
        return await ReadAsync(parser, cancellationToken) is null ? message : throw WrongCount("several");

        // statuscodes.md: response cardinality violation.
        static GrpcException WrongCount(string count) => new(GrpcStatusCode.Unimplemented, $"expected one message, got {count}");
    }

    /// <summary>Sends a message; waits while the server does not read.</summary>
    public async ValueTask WriteAsync<T>(GrpcStreamContent content, T message, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        try
        {
            using var registration = cancellationToken.UnsafeRegister(static call => ((GrpcClientCall)call!).Cancel(), this);
            var writer = await content.Writer.WaitAsync(_ended.Token);
            await writer.WriteAndFlushAsync(message, _ended.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            throw Translate(e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Cancel();
        _ = _response.ContinueWith(
            static (task, call) =>
            {
                if (task.IsCompletedSuccessfully)
                {
                    task.GetAwaiter().GetResult().Dispose();
                }

                _ = task.Exception;
                ((GrpcClientCall)call!)._ended.Dispose();
                ((GrpcClientCall)call)._expiry.Dispose();
            },
            this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Cancel()
    {
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended at the same moment.
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpContent content)
    {
        try
        {
            return await _channel.Invoker.SendAsync(request, _ended.Token);
        }
        catch (Exception e) when (content is GrpcStreamContent stream)
        {
            stream.Fail(e);
            throw;
        }
    }

    private async Task<GrpcFrameReader> OpenAsync(HttpResponseMessage response)
    {
        GrpcClientProtocol.CheckResponse(response);
        var pipe = PipeReader.Create(await response.Content.ReadAsStreamAsync(_ended.Token));
        var encoding = response.Headers.NonValidated.TryGetValues(GrpcHeaders.Encoding, out HeaderStringValues values) ? values.ToString() : null;
        return new(pipe, _channel.Options.MaxReceiveMessageBytes, encoding, GrpcStatusCode.Internal);
    }

    private Exception Translate(Exception e, CancellationToken operation)
    {
        if (_caller.IsCancellationRequested || operation.IsCancellationRequested)
        {
            return new OperationCanceledException("the call was cancelled", e, operation.IsCancellationRequested ? operation : _caller);
        }

        return _expiry.IsCancellationRequested ? new GrpcException(GrpcStatusCode.DeadlineExceeded, "the deadline passed", e)
            : _disposed ? new GrpcException(GrpcStatusCode.Cancelled, "the call was disposed", e)
            : GrpcClientProtocol.Failure(e);
    }
}
