using System.Globalization;
using System.Net;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// One request and its response. Its task ends with the response's head: <see cref="Deliver"/>ed, <see cref="Fail"/>ed or cancelled. Which directions are
/// closed, and the window to send in, belong to the connection's lock; the head, to the connection's reader.
/// </summary>
internal sealed class Http2Stream(Http2Connection connection, HttpRequestMessage request, long bodyLength)
    : TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private readonly CancellationTokenSource? _bodyCancellation = request.Content is null ? null : new CancellationTokenSource();
    private readonly TaskCompletionSource<bool>? _continue =
        request.Content is not null && request.Headers.ExpectContinue == true ? new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously) : null;

    private CancellationTokenRegistration _cancellation;
    private ResponseBody? _body;
    private long _received;
    private long _declared = -1;
    private bool _headWhole;
    private int _failed;

    public Http2Connection Connection => connection;

    /// <summary>Odd, and higher than that of any stream before; 0 until it is opened.</summary>
    public int Id { get; private set; }

    /// <summary>The flush that its head goes out with.</summary>
    public int Flush { get; private set; }

    /// <summary>Of the connection's lock: bytes that may be sent; below zero where the server has made it smaller since.</summary>
    public int SendWindow { get; set; }

    /// <summary>Of the connection's lock: the request is whole, or nobody wants the rest.</summary>
    public bool SendClosed { get; set; }

    /// <summary>Of the connection's lock: the response is whole.</summary>
    public bool ReceiveClosed { get; set; }

    /// <summary>Of the connection's lock: a body that waits for its window.</summary>
    public TaskCompletionSource? WindowWaiter { get; set; }

    /// <summary>Of the connection's lock: where its body stands in line, if that waits for more than its own window.</summary>
    public List<Http2Stream>? Queue { get; set; }

    /// <summary>Bytes of the request's body that were sent, and how many it said it has (-1: it did not).</summary>
    public long Sent { get; set; }

    /// <inheritdoc cref="Sent"/>
    public long BodyLength => bodyLength;

    /// <summary>The head, once its status is known.</summary>
    public HttpResponseMessage? Response { get; private set; }

    /// <summary>An extended CONNECT: no body but two directions of bytes.</summary>
    public bool IsTunnel => request.Headers.Protocol is not null;

    /// <summary>Under the connection's lock: it has begun.</summary>
    public void Open(int id, int flush, int sendWindow)
    {
        Id = id;
        Flush = flush;
        SendWindow = sendWindow;
    }

    /// <summary>Listens to the caller: before it opens, since afterwards its end may come at any time.</summary>
    public void Listen(CancellationToken cancellationToken) =>
        _cancellation = cancellationToken.UnsafeRegister(static (stream, token) => ((Http2Stream)stream!).Cancel(token), this);

    /// <summary>It could not be opened, and nobody has heard of it.</summary>
    public void Forget() => _cancellation.Unregister();

    /// <summary>Its head is on its way: sends the body, if there is one.</summary>
    public void Begin()
    {
        if (Task.IsCanceled)
        {
            connection.Abandon(this); // while it opened
        }
        else if (request.Content is { } content)
        {
            _ = SendBodyAsync(content);
        }
    }

    /// <summary>The status of the real response is known.</summary>
    public void Answer(HttpStatusCode status)
    {
        _body = new ResponseBody(this);
        Response = new HttpResponseMessage(status)
        {
            Version = HttpVersion.Version20,
            RequestMessage = request,
            Content = new ResponseContent(IsTunnel ? new TunnelStream(_body, new RequestBody(this)) : _body),
        };
    }

    /// <summary>The head is whole: what it says of the body's length holds. False: it says nothing that could.</summary>
    public bool TryAnswered()
    {
        if (Response!.Content.Headers.NonValidated.TryGetValues("Content-Length", out var values))
        {
            if (!long.TryParse(values.ToString(), NumberStyles.None, null, out var length))
            {
                return false;
            }

            // RFC 9110 §8.6: there it is the length of a body that does not come.
            _declared = request.Method != HttpMethod.Head && Response.StatusCode != HttpStatusCode.NotModified ? length : -1;
        }

        Volatile.Write(ref _headWhole, true);
        return true;
    }

    /// <summary><c>100 Continue</c>.</summary>
    public void Continue() => _continue?.TrySetResult(true);

    /// <summary>Of the connection's lock: the body was asked for leave and got a refusal, so that none of it is sent (RFC 9110 §10.1.1).</summary>
    public bool BodyWithheld { get; set; }

    /// <summary>Gives the head to whoever waits for it, with what has come of the body.</summary>
    public void Deliver()
    {
        _cancellation.Unregister();
        _continue?.TrySetResult((int)Response!.StatusCode < 300);
        if (!TrySetResult(Response!))
        {
            Response!.Dispose();
            connection.Abandon(this); // it was cancelled meanwhile
        }
    }

    /// <summary>Bytes of the body. Returns what is wrong with them, or null.</summary>
    public string? Append(ReadOnlySpan<byte> data)
    {
        if (_body is null)
        {
            return "a body before its head";
        }

        _received += data.Length;
        return _declared >= 0 && _received > _declared ? "a body longer than it said"
            : _body.Append(data) ? null
            : "a body beyond its window";
    }

    /// <inheritdoc cref="ResponseBody.Pad"/>
    public int Pad(int bytes) => _body?.Pad(bytes) ?? 0;

    /// <summary>What is wrong with a response that ends here, or null (RFC 9113 §8.1.1).</summary>
    public string? WrongWithEnd() =>
        _body is null ? "a response without a head"
        : _declared >= 0 && _received != _declared ? "a body shorter than it said"
        : null;

    /// <summary>The response is whole: whoever reads it learns that.</summary>
    public void Complete() => _body!.Complete();

    /// <summary>It came to nothing: before its head, the task says so; after it, whoever reads the body learns it.</summary>
    public void Fail(Exception why)
    {
        if (Interlocked.Exchange(ref _failed, 1) != 0)
        {
            return;
        }

        if (!Volatile.Read(ref _headWhole))
        {
            _cancellation.Unregister();
            TrySetException(why);
        }

        _body?.Fail(why);
        StopBody();
    }

    /// <summary>Nobody takes the rest of the request's body: whoever sends it is told, elsewhere. What they do then is not for the connection's reader to run, or to fail by.</summary>
    public void StopBody() => _ = _bodyCancellation?.CancelAsync();

    private void Cancel(CancellationToken token)
    {
        if (TrySetCanceled(token))
        {
            connection.Abandon(this);
        }
    }

    private async Task SendBodyAsync(HttpContent content)
    {
        try
        {
            if (_continue is not null && !await MayContinueAsync())
            {
                connection.Withhold(this);
                return;
            }

            await content.CopyToAsync(new RequestBody(this), context: null, _bodyCancellation!.Token);
            connection.EndSend(this);
        }
        catch (Exception e)
        {
            // Not swallowed: the request ends with it, unless it was the end of the request that stopped its body.
            connection.BodyFailed(this, e);
        }
    }

    private async Task<bool> MayContinueAsync()
    {
        try
        {
            return await _continue!.Task.WaitAsync(Http2Limits.ContinueTimeout, connection.Time, _bodyCancellation!.Token);
        }
        catch (TimeoutException)
        {
            return true; // a server that knows nothing of it may wait for the body
        }
    }
}
