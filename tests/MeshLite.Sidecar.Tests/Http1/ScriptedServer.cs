using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Sockets;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A server whose connections read and say what a test wants, and the client that connects to it, on manual time.</summary>
internal sealed class ScriptedServer : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<ScriptedConnection> _accepted = Channel.CreateUnbounded<ScriptedConnection>();
    private readonly ConcurrentQueue<ScriptedConnection> _all = new();
    private readonly HttpMessageInvoker _client;
    private int _unused;

    /// <summary>By default connections stay idle for so long that <see cref="SweptAsync"/> never comes there.</summary>
    public ScriptedServer(TimeSpan? idleTimeout = null)
    {
        Handler = new Http1Handler(ConnectAsync, idleTimeout ?? TimeSpan.FromMinutes(50), Time, _ => Interlocked.Increment(ref _unused));
        _client = new HttpMessageInvoker(Handler);
    }

    public ManualTimeProvider Time { get; } = new();

    public Http1Handler Handler { get; }

    /// <summary>Runs before each connect.</summary>
    public Func<CancellationToken, Task> Connecting { get; set; } = _ => Task.CompletedTask;

    /// <summary>How often it was told that the last connection is gone.</summary>
    public int Unused => Volatile.Read(ref _unused);

    /// <summary>Connections made so far.</summary>
    public int Accepted => _all.Count;

    public Task<HttpResponseMessage> Get(CancellationToken cancellation = default) => Send(HttpMethod.Get, null, cancellation);

    public Task<HttpResponseMessage> Post(HttpContent? content = null, CancellationToken cancellation = default) => Send(HttpMethod.Post, content, cancellation);

    public Task<HttpResponseMessage> Send(HttpMethod method, HttpContent? content = null, CancellationToken cancellation = default) =>
        Send(new HttpRequestMessage(method, "http://example.test/") { Content = content }, cancellation);

    public Task<HttpResponseMessage> Send(HttpRequestMessage request, CancellationToken cancellation = default) => _client.SendAsync(request, cancellation).WaitAsync(Patience);

    /// <summary>The next connection that was made.</summary>
    public async Task<ScriptedConnection> AcceptAsync() => await _accepted.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>A request whose head was read at a new connection.</summary>
    public async Task<(Task<HttpResponseMessage> Response, ScriptedConnection Connection)> BeginAsync(
        HttpMethod? method = null, HttpContent? content = null, CancellationToken cancellation = default)
    {
        var response = Send(method ?? HttpMethod.Get, content, cancellation);
        var connection = await AcceptAsync();
        await connection.ReadHeadAsync();
        return (response, connection);
    }

    /// <summary>A new connection that is idle: it has served once.</summary>
    public async Task<ScriptedConnection> IdleAsync()
    {
        var (response, connection) = await BeginAsync();
        await connection.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        (await response).Dispose();
        return connection;
    }

    /// <summary>A GET over a new connection, whose response has begun so.</summary>
    public async Task<(HttpResponseMessage Response, Stream Body, ScriptedConnection Connection)> RespondAsync(string said)
    {
        var (response, connection) = await BeginAsync();
        await connection.SayAsync(said);
        return (await response, await (await response).Content.ReadAsStreamAsync(), connection);
    }

    /// <summary>A GET that is to go over this connection, and back.</summary>
    public async Task ServeAgainAsync(ScriptedConnection connection)
    {
        var response = Get();
        await connection.ReadHeadAsync();
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
        (await (await response).Content.ReadAsStringAsync()).ShouldBe("again");
    }

    /// <summary>Sweeps until there are so many connections: that one has ended is learned of when the system says so.</summary>
    public Task SweptAsync(int connections) => Eventually.TrueAsync(
        () =>
        {
            Time.Advance(Http1Limits.Sweep);
            return Handler.Connections == connections;
        },
        $"{connections} connections");

    /// <summary>The last connection is gone, whoever closes it.</summary>
    public Task ForgottenAsync() => Eventually.TrueAsync(() => Unused == 1, "the last connection is gone");

    public static async Task<Exception> FailureAsync(Task task)
    {
        var failure = await Record.ExceptionAsync(() => task.WaitAsync(Patience));
        failure.ShouldNotBeOfType<TimeoutException>();
        return failure.ShouldNotBeNull();
    }

    public void Dispose()
    {
        _client.Dispose();
        foreach (var connection in _all)
        {
            connection.Dispose();
        }
    }

    private async ValueTask<TcpStream> ConnectAsync(CancellationToken cancellation)
    {
        await Connecting(cancellation);
        var connection = new ScriptedConnection(await SocketPair.CreateAsync());
        _all.Enqueue(connection);
        _accepted.Writer.TryWrite(connection);
        return connection.OfClient();
    }
}

/// <summary>The server's end of one connection.</summary>
internal sealed class ScriptedConnection(SocketPair sockets) : IDisposable
{
    private readonly NetworkStream _stream = new(sockets.Server);
    private byte[] _ahead = [];

    public TcpStream OfClient() => new(new TcpSocket(sockets.Client));

    /// <summary>The next request's head, its empty line included.</summary>
    public async Task<string> ReadHeadAsync()
    {
        int end;
        while ((end = _ahead.AsSpan().IndexOf("\r\n\r\n"u8)) < 0)
        {
            await MoreAsync();
        }

        return Encoding.Latin1.GetString(Take(end + 4));
    }

    public async Task<byte[]> ReadBytesAsync(int count)
    {
        while (_ahead.Length < count)
        {
            await MoreAsync();
        }

        return Take(count);
    }

    public async Task<string> ReadAsync(int count) => Encoding.Latin1.GetString(await ReadBytesAsync(count));

    /// <summary>What comes until the client has closed.</summary>
    public async Task<string> ReadToEndAsync()
    {
        try
        {
            while (true)
            {
                await MoreAsync();
            }
        }
        catch (IOException)
        {
            return Encoding.Latin1.GetString(Take(_ahead.Length));
        }
    }

    public async Task SayAsync(string what) => await _stream.WriteAsync(Encoding.Latin1.GetBytes(what));

    public async Task SayAsync(byte[] what) => await _stream.WriteAsync(what);

    /// <summary>Says no more.</summary>
    public void End() => sockets.Server.Shutdown(SocketShutdown.Send);

    /// <summary>As above; the client's system has learned of it.</summary>
    public void EndSeen()
    {
        End();
        sockets.Client.Poll(ScriptedServer.Patience, SelectMode.SelectRead).ShouldBeTrue("the end has come");
    }

    /// <summary>Resets the connection.</summary>
    public void Abort()
    {
        sockets.Server.LingerState = new LingerOption(enable: true, seconds: 0);
        sockets.Server.Close();
    }

    /// <summary>Closes it as programs do.</summary>
    public void Close() => sockets.Server.Close();

    public void Dispose()
    {
        _stream.Dispose();
        sockets.Dispose();
    }

    private async Task MoreAsync()
    {
        using var patience = new CancellationTokenSource(ScriptedServer.Patience, TimeProvider.System);
        var buffer = new byte[64 * 1024];
        var read = await _stream.ReadAsync(buffer, patience.Token);
        _ahead = read > 0 ? [.. _ahead, .. buffer.AsSpan(0, read)] : throw new EndOfStreamException("the client has closed");
    }

    private byte[] Take(int count)
    {
        var taken = _ahead[..count];
        _ahead = _ahead[count..];
        return taken;
    }
}
