using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Http1;

/// <summary>
/// An HTTP/1.1 connection, which it owns: one request after another, each sent once (RFC 9112). Between two it is idle, with a read under way that learns of its end.
/// Who took it from its <see cref="Http1Handler"/> has it alone until the response's body is whole; only <see cref="Close"/> may come from anywhere.
/// </summary>
internal sealed class Http1Connection(TcpStream transport, Http1Handler owner, TimeProvider time)
{
    private readonly long _made = time.GetTimestamp();
    private readonly OutputBuffer _output = new();
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private ValueTask<int>? _readAhead;
    private Http1RequestBody? _body;
    private CancellationTokenSource? _bodyCancellation;
    private TaskCompletionSource<bool>? _leave;
    private Exception? _bodyFailure;
    private bool _served;
    private bool _keepsAlive;
    private int _closed;

    /// <summary>Since when it is idle.</summary>
    public long IdleSince { get; private set; }

    /// <summary>It is due to be replaced.</summary>
    public bool IsOld => time.GetElapsedTime(_made) >= Http1Limits.Lifetime;

    /// <summary>This side has closed it. A read that was under way may have taken that for the server's end.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>What has come and was not read.</summary>
    public ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Text of the server's header fields.</summary>
    public FieldStrings Strings => owner.Strings;

    /// <summary>Idle, it has not ended so far as is known. <paramref name="ask"/>: ask the kernel too, which knows before the read under way is told; it costs a call.</summary>
    public bool IsAlive(bool ask) => _readAhead is { IsCompleted: false } && !(ask && transport.Socket.Socket.Poll(0, SelectMode.SelectRead));

    /// <summary>Sends a request and gives the head of its response.</summary>
    /// <exception cref="StaleConnectionException">The connection had served before, and ended without a byte of a response.</exception>
    /// <exception cref="IOException">It ended before the response's head was whole.</exception>
    /// <exception cref="HttpRequestException">The response is malformed, the request can't be written, or its body is not as long as it said.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var isAnswered = false;
        var cancellation = cancellationToken.UnsafeRegister(static connection => ((Http1Connection)connection!).Close(), this);
        try
        {
            var bodyLength = WriteHead(request);
            try
            {
                await transport.WriteAsync(_output.Written, CancellationToken.None);
            }
            catch (IOException)
            {
                // The server has closed. What it had to say may still be read.
            }

            _output.Release();
            if (request.Content is { } content)
            {
                BeginBody(content, bodyLength, asksForLeave: request.Headers.ExpectContinue == true);
            }

            HttpResponseMessage? response;
            var scanned = 0;
            while (!TryReadHead(request, ref scanned, out response))
            {
                var read = await MoreAsync(CancellationToken.None);
                if (read == 0)
                {
                    throw new IOException(isAnswered ? "The server closed the connection within its response." : "The server closed the connection without answering.");
                }

                Came(read);
                isAnswered = true;
            }

            if (!cancellation.Unregister() && cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellationToken);
            }

            if (response!.Content is ResponseContent { HasBody: false })
            {
                EndExchange();
            }

            return response;
        }
        catch (Exception e)
        {
            cancellation.Unregister();
            Abandon();
            _output.Release();
            cancellationToken.ThrowIfCancellationRequested();
            throw WhyOf(e, isAnswered);
        }
    }

    /// <summary>Reads more, behind what has come: <see cref="Came"/> is to be told how much. 0: the server has ended its side.</summary>
    public ValueTask<int> MoreAsync(CancellationToken cancellationToken)
    {
        if (_readAhead is { } ahead)
        {
            _readAhead = null;
            return ahead;
        }

        Reserve();
        return transport.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
    }

    /// <summary>So many more bytes have come.</summary>
    public void Came(int count) => _end += count;

    /// <summary>Reads past the buffer, in which there must be nothing.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken cancellationToken) => transport.ReadAsync(into, cancellationToken);

    /// <summary>As <see cref="ReadAsync"/>, of what is there now: 0 if nothing is.</summary>
    public int ReadNow(Span<byte> into) => transport.TryRead(into, out var count) ? count : 0;

    /// <summary>So many bytes of what has come are read.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
        }
    }

    /// <summary>The response is whole: back to its owner, if it is of any more use.</summary>
    public void EndExchange()
    {
        if (_body is not { IsWhole: false } body)
        {
            Settle(isSent: true);
        }
        else if (!body.TryLeave(Settle))
        {
            Abandon(); // nobody wants the rest
        }
    }

    /// <summary>Ends an exchange before its time: nobody wants the rest of its request, or of its response.</summary>
    public void Abandon()
    {
        Close();

        // What whoever reads the body does then is not for this thread to run, or to fail by.
        _ = _bodyCancellation?.CancelAsync();
    }

    /// <summary>Ends it, at once: whatever reads or writes fails. Thread-safe; once is enough.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            transport.Dispose();
            owner.Gone();
        }
    }

    private long WriteHead(HttpRequestMessage request)
    {
        try
        {
            return Http1RequestHead.Write(request, _output);
        }
        catch (FormatException e)
        {
            throw new HttpRequestException($"The request can't be written. {e.Message}", e);
        }
    }

    private void BeginBody(HttpContent content, long length, bool asksForLeave)
    {
        _body = new Http1RequestBody(transport, length);
        _bodyCancellation = new CancellationTokenSource();
        _leave = asksForLeave ? new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously) : null;
        _ = SendBodyAsync(content, _body, _leave, _bodyCancellation.Token);
    }

    private async Task SendBodyAsync(HttpContent content, Http1RequestBody body, TaskCompletionSource<bool>? leave, CancellationToken cancellationToken)
    {
        try
        {
            if (leave is null || await MayGoAsync(leave.Task, cancellationToken))
            {
                await content.CopyToAsync(body, context: null, cancellationToken);
                await body.EndAsync(cancellationToken);
            }
        }
        catch (Exception e)
        {
            // Not swallowed: the request ends with it. But where the server has all of it, wants no more or has closed, the response says how it went.
            if (!body.IsWhole && !body.WriteFailed && !cancellationToken.IsCancellationRequested)
            {
                _bodyFailure = e;
                Close();
            }
        }
    }

    private async Task<bool> MayGoAsync(Task<bool> leave, CancellationToken cancellationToken)
    {
        try
        {
            return await leave.WaitAsync(Http1Limits.ContinueTimeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return !leave.IsCompleted || await leave; // a server that knows nothing of it may wait for the body
        }
    }

    /// <summary>Nothing of the exchange is under way any more.</summary>
    private void Settle(bool isSent)
    {
        _body = null;
        _bodyCancellation = null;
        _leave = null;
        if (_keepsAlive && isSent && _end == 0 && TryReadAhead())
        {
            IdleSince = time.GetTimestamp();
            owner.Return(this);
        }
        else
        {
            Close();
        }
    }

    /// <summary>The head of the response, its body begun; false: more must come.</summary>
    private bool TryReadHead(HttpRequestMessage request, ref int scanned, out HttpResponseMessage? response)
    {
        while (Http1ResponseHead.EndOf(Buffered, ref scanned) is > 0 and var end)
        {
            var head = Http1ResponseHead.Parse(Buffered[..end], request, Strings);
            Consume(end);
            scanned = 0;
            if (head.Response is null)
            {
                if (head.Status == (int)HttpStatusCode.Continue)
                {
                    _leave?.TrySetResult(true);
                }

                continue;
            }

            // Whoever asked for leave and got a refusal sends nothing (RFC 9110 §10.1.1).
            _leave?.TrySetResult(head.Status < 300);
            _served = true;
            _keepsAlive = head.KeepsAlive;
            response = head.Response;
            if (head.Status == (int)HttpStatusCode.SwitchingProtocols)
            {
                // What is left of the body would run into what goes through the tunnel.
                head.Content.Body = _body is not { IsWhole: false } ? new Http1Tunnel(this, transport) : throw Http1ResponseHead.Malformed("it switches protocols before it has the request");
            }
            else if (head.BodyLength != 0)
            {
                head.Content.Body = new Http1ResponseBody(this, response, head.BodyLength);
            }

            return true;
        }

        response = null;
        return Buffered.Length < Http1Limits.MaxHead ? false : throw Http1ResponseHead.Malformed($"header fields of over {Http1Limits.MaxHead / 1024} KiB");
    }

    private Exception WhyOf(Exception e, bool isAnswered) => e switch
    {
        _ when _bodyFailure is not null => _bodyFailure,
        IOException or ObjectDisposedException when !isAnswered && _served => new StaleConnectionException(e),
        ObjectDisposedException => new IOException("The connection was closed.", e),
        _ => e,
    };

    private bool TryReadAhead()
    {
        if (_buffer.Length > Http1Limits.BufferSize)
        {
            _buffer = [];
        }

        try
        {
            _readAhead = MoreAsync(CancellationToken.None);
            return _readAhead is { IsCompleted: false }; // else words that nobody asked for, or its end
        }
        catch (Exception e) when (e is ObjectDisposedException or IOException)
        {
            return false; // closed meanwhile
        }
    }

    private void Reserve()
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        var there = _end - _start;
        var larger = there > _buffer.Length / 2 || _buffer.Length == 0 ? new byte[Math.Max(Http1Limits.BufferSize, _buffer.Length * 2)] : _buffer;
        Buffered.CopyTo(larger);
        _buffer = larger;
        _start = 0;
        _end = there;
    }
}
