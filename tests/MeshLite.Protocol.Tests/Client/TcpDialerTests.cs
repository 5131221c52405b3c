using System.Net;
using System.Net.Sockets;
using MeshLite.Protocol.Client;

namespace MeshLite.Protocol.Tests.Client;

public sealed class TcpDialerTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public TcpDialerTests() => _listener.Start();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Connect_ByName_LooksUpOnAThreadThatIsNotThePools()
    {
        var pooled = true;
        using var socket = await TcpDialer.ConnectAsync("app.test", Port, LookUp, TestContext.Current.CancellationToken);

        pooled.ShouldBeFalse();
        socket.NoDelay.ShouldBeTrue();
        socket.Connected.ShouldBeTrue();

        IPAddress[] LookUp(string host)
        {
            host.ShouldBe("app.test");
            pooled = Thread.CurrentThread.IsThreadPoolThread;
            return [IPAddress.Loopback];
        }
    }

    [Fact]
    public async Task Connect_FirstAddressRefuses_TakesTheNext()
    {
        using var socket = await TcpDialer.ConnectAsync("app.test", Port, _ => [IPAddress.Parse("127.0.0.9"), IPAddress.Loopback], TestContext.Current.CancellationToken);

        ((IPEndPoint)socket.RemoteEndPoint!).Address.MapToIPv4().ShouldBe(IPAddress.Loopback);
    }

    [Fact]
    public async Task Connect_EveryAddressRefuses_SaysSo()
    {
        var error = await Should.ThrowAsync<SocketException>(
            () => TcpDialer.ConnectAsync("app.test", Port, _ => [IPAddress.Parse("127.0.0.8"), IPAddress.Parse("127.0.0.9")], TestContext.Current.CancellationToken));

        error.SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
    }

    [Fact]
    public async Task Connect_NoSuchHost_SaysSo()
    {
        var error = await Should.ThrowAsync<SocketException>(
            () => TcpDialer.ConnectAsync("no-such-host.invalid", Port, _ => throw new SocketException((int)SocketError.HostNotFound), TestContext.Current.CancellationToken));
        error.SocketErrorCode.ShouldBe(SocketError.HostNotFound);

        error = await Should.ThrowAsync<SocketException>(() => TcpDialer.ConnectAsync("nothing.test", Port, _ => [], TestContext.Current.CancellationToken));
        error.SocketErrorCode.ShouldBe(SocketError.HostNotFound);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    public async Task Connect_AnAddress_LooksNothingUp(string host)
    {
        using var socket = await TcpDialer.ConnectAsync(host, Port, _ => throw new InvalidOperationException("an address needs no lookup"), TestContext.Current.CancellationToken);

        socket.Connected.ShouldBeTrue();
    }

    [Fact]
    public async Task Connect_LookupHangs_EndsWithItsCaller()
    {
        using var gate = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        using var caller = new CancellationTokenSource();
        var connecting = TcpDialer.ConnectAsync(
            "slow.test", Port, _ =>
            {
                entered.Set();
                gate.Wait();
                return [];
            },
            caller.Token);
        entered.Wait(TestContext.Current.CancellationToken);

        await caller.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(connecting);
        gate.Set();
    }
}
