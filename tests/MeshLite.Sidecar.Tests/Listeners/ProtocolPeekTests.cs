using System.Net.Sockets;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Sockets;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Listeners;

public sealed class ProtocolPeekTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task DetectAsync_Bytes_AreToldAndStayUnread()
    {
        using var pair = await SocketPair.CreateAsync();
        await pair.Client.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());

        (await new ProtocolPeek(_time).DetectAsync(new TcpSocket(pair.Server), CancellationToken.None).AsTask().WaitAsync(Patience, TimeProvider.System)).ShouldBe(ConnectionProtocol.Http1);

        var buffer = new byte[100];
        (await pair.Server.ReceiveAsync(buffer)).ShouldBe(18);
    }

    [Fact]
    public async Task DetectAsync_ClientSilentForASecond_WaitsForTheServer()
    {
        using var pair = await SocketPair.CreateAsync();
        var detecting = new ProtocolPeek(_time).DetectAsync(new TcpSocket(pair.Server), CancellationToken.None).AsTask();
        await Eventually.TrueAsync(() => _time.PendingTimers > 0, "it waits");

        _time.Advance(TimeSpan.FromMilliseconds(999));
        detecting.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(1));

        (await detecting.WaitAsync(Patience, TimeProvider.System)).ShouldBe(ConnectionProtocol.Opaque);
    }

    [Fact]
    public async Task DetectAsync_BytesThatMayBecomeAnything_AreOpaqueAfterASecond()
    {
        using var pair = await SocketPair.CreateAsync();
        await pair.Client.SendAsync("GET"u8.ToArray());
        var detecting = new ProtocolPeek(_time).DetectAsync(new TcpSocket(pair.Server), CancellationToken.None).AsTask();

        // It looks again after 1 ms, then ever later: each look is a timer.
        for (var i = 0; !detecting.IsCompleted && i < 2000; i++)
        {
            await Eventually.TrueAsync(() => detecting.IsCompleted || _time.PendingTimers > 1, "it waits for more");
            _time.Advance(TimeSpan.FromMilliseconds(16));
        }

        (await detecting.WaitAsync(Patience, TimeProvider.System)).ShouldBe(ConnectionProtocol.Opaque);
        _time.GetUtcNow().Millisecond.ShouldBeLessThan(100, "not long after the second");
        _time.GetUtcNow().Second.ShouldBe(1);
    }

    [Fact]
    public async Task DetectAsync_ClientThatLeavesSilently_IsNobody()
    {
        using var pair = await SocketPair.CreateAsync();
        pair.Client.Shutdown(SocketShutdown.Send);

        (await new ProtocolPeek(_time).DetectAsync(new TcpSocket(pair.Server), CancellationToken.None).AsTask().WaitAsync(Patience, TimeProvider.System)).ShouldBeNull();
    }
}
