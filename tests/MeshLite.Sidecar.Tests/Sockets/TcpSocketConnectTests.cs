using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Sockets;

/// <summary>Over loopback.</summary>
public sealed class TcpSocketConnectTests
{
    private static readonly TimeSpan Patience = Ends.Patience;
    private readonly byte[] _buffer = new byte[64];

    [Theory]
    [InlineData("127.0.0.1", null)]
    [InlineData("127.0.0.1", "127.0.0.9")]
    [InlineData("::1", null)]
    [InlineData("::1", "::1")]
    public async Task Connect_KnowsBothAddresses_AndDoesNotDelay(string address, string? from)
    {
        using var listener = Ends.Listen(IPAddress.Parse(address));
        using var ends = await Ends.CreateAsync(listener, from is null ? null : new IPEndPoint(IPAddress.Parse(from), 0));

        ends.Client.RemoteEndPoint.ShouldBe(listener.LocalEndPoint);
        ends.Server.LocalEndPoint.ShouldBe(listener.LocalEndPoint);
        ends.Client.LocalEndPoint.ShouldNotBeNull();
        ends.Client.LocalEndPoint.ShouldBe(ends.Server.RemoteEndPoint);
        ends.Client.LocalEndPoint!.Address.ShouldBe(IPAddress.Parse(from ?? address));
        ends.Client.Socket.NoDelay.ShouldBeTrue();
        ends.Server.Socket.NoDelay.ShouldBeTrue();
        await ends.Client.SendAsync("x"u8.ToArray());
        (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(1);
    }

    /// <summary>And keeps no descriptor: numbers are given from the lowest, so that the next would be beyond what was kept.</summary>
    [Fact]
    public async Task Connect_Refused_Fails_AndKeepsNothing()
    {
        const int Attempts = 3_000;
        using var deaf = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        deaf.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // nobody else may listen there
        for (var i = 0; i < Attempts; i++)
        {
            (await FailureAsync((IPEndPoint)deaf.LocalEndPoint!)).SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
        }

        using var next = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        ((int)next.Handle).ShouldBeLessThan(Attempts);
    }

    [Fact]
    public async Task Connect_FromAnAddressThatIsNotOurs_Fails()
    {
        using var listener = Ends.Listen();

        (await FailureAsync((IPEndPoint)listener.LocalEndPoint!, new IPEndPoint(IPAddress.Parse("203.0.113.7"), 0))).SocketErrorCode.ShouldBe(SocketError.AddressNotAvailable);
    }

    [Fact]
    public async Task Connect_CancelledAlready_ConnectsToNobody()
    {
        using var listener = Ends.Listen();

        await Should.ThrowAsync<OperationCanceledException>(
            () => TcpSocket.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, from: null, new CancellationToken(canceled: true)).WaitAsync(Patience));
        listener.Poll(TimeSpan.Zero, SelectMode.SelectRead).ShouldBeFalse();
    }

    /// <summary>Where so many wait to be accepted that the kernel does not answer any more.</summary>
    [Fact]
    public async Task Connect_Cancelled_GivesUp_AndAnotherGoesOn()
    {
        using var listener = Ends.Listen(backlog: 0);
        var address = (IPEndPoint)listener.LocalEndPoint!;
        using var accepted = await TcpSocket.ConnectAsync(address, from: null, CancellationToken.None).WaitAsync(Patience);
        using var cancellation = new CancellationTokenSource();
        var cancelled = TcpSocket.ConnectAsync(address, from: null, cancellation.Token);
        var patient = TcpSocket.ConnectAsync(address, from: null, CancellationToken.None);
        await cancellation.CancelAsync();

        (await Should.ThrowAsync<OperationCanceledException>(() => cancelled.WaitAsync(Patience))).CancellationToken.ShouldBe(cancellation.Token);
        patient.IsCompleted.ShouldBeFalse();

        // The kernel asks again after a second.
        using var first = await listener.AcceptAsync();
        using var connected = await patient.WaitAsync(Patience);
        connected.RemoteEndPoint.ShouldBe(address);
    }

    private static async Task<SocketException> FailureAsync(IPEndPoint address, IPEndPoint? from = null) =>
        await Should.ThrowAsync<SocketException>(() => TcpSocket.ConnectAsync(address, from, CancellationToken.None).WaitAsync(Patience));
}
