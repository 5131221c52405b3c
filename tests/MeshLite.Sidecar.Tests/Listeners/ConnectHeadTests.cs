using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Listeners;

public sealed class ConnectHeadTests : IDisposable
{
    private const string Request = "CONNECT orders:5432 HTTP/1.1\r\nHost: orders:5432\r\n\r\n";

    private readonly Socket _client = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly Socket _server;
    private readonly TcpSocket _socket;

    public ConnectHeadTests()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _client.Connect(listener.LocalEndPoint!);
        _server = listener.Accept();
        _socket = new TcpSocket(_server);
    }

    [Fact]
    public async Task ReadAsync_HeadAndMore_TakesTheHeadAlone()
    {
        Send(Request + "first bytes of the tunnel");

        (await ReadAsync()).ShouldBe("orders:5432");

        var rest = new byte[100];
        var read = await _server.ReceiveAsync(rest);
        Encoding.Latin1.GetString(rest, 0, read).ShouldBe("first bytes of the tunnel");
    }

    [Fact]
    public async Task ReadAsync_ByteByByte_IsTheSame()
    {
        var reading = ReadAsync();
        foreach (var letter in Request)
        {
            reading.IsCompleted.ShouldBeFalse();
            Send(letter.ToString());
            await Task.Yield();
        }

        (await reading).ShouldBe("orders:5432");
    }

    [Theory]
    [InlineData("CONNECT  orders:80 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT orders:80 HTTP/2.0\r\n\r\n")]
    [InlineData("CONNECT orders:80\r\n\r\n")]
    [InlineData("GET orders:80 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT orders:80 HTTP/1.1 \r\n\r\n")]
    [InlineData("\r\n\r\n")]
    public async Task ReadAsync_NoConnectRequest_IsNull(string head)
    {
        Send(head);

        (await ReadAsync()).ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("CONNECT orders:80 HTTP/1.1\r\nHost: or")]
    public async Task ReadAsync_ClientCloses_IsNull(string before)
    {
        Send(before);
        _client.Shutdown(SocketShutdown.Send);

        (await ReadAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task ReadAsync_HeadWithoutEnd_IsRefusedAtTheLimit()
    {
        Send("CONNECT orders:80 HTTP/1.1\r\nX: " + new string('a', ConnectHead.MaxBytes));

        (await ReadAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task ReadAsync_SlowClient_IsCancelledByTheCaller()
    {
        using var patience = new CancellationTokenSource();
        var reading = ConnectHead.ReadAsync(_socket, patience.Token).AsTask();
        Send("CONNECT ord");

        await patience.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => reading);
    }

    public void Dispose()
    {
        _client.Dispose();
        _socket.Dispose();
    }

    private Task<string?> ReadAsync() => ConnectHead.ReadAsync(_socket, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(15));

    private void Send(string text) => _client.Send(Encoding.Latin1.GetBytes(text));
}
