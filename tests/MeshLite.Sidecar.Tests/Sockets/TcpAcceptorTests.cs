using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Sockets;

public sealed class TcpAcceptorTests : IDisposable
{
    private static readonly TimeSpan Patience = Ends.Patience;

    private readonly TcpAcceptor _acceptor;
    private readonly IPEndPoint _address;

    public TcpAcceptorTests()
    {
        var listening = Ends.Listen();
        _address = (IPEndPoint)listening.LocalEndPoint!;
        _acceptor = new TcpAcceptor(listening);
    }

    [Fact]
    public async Task Accept_ThoseThatHaveCome_AreThereAtOnce()
    {
        using var first = await ConnectAsync();
        using var second = await ConnectAsync();

        var accepted = _acceptor.AcceptAsync(CancellationToken.None);
        accepted.IsCompletedSuccessfully.ShouldBeTrue();
        using var one = await accepted;
        accepted = _acceptor.AcceptAsync(CancellationToken.None);
        accepted.IsCompletedSuccessfully.ShouldBeTrue();
        using var other = await accepted;

        one.RemoteEndPoint.ShouldBe(first.LocalEndPoint);
        other.RemoteEndPoint.ShouldBe(second.LocalEndPoint);
    }

    [Fact]
    public async Task Accept_NobodyThere_WaitsForTheNext_TimeAndAgain()
    {
        for (var i = 0; i < 200; i++)
        {
            var accepting = _acceptor.AcceptAsync(CancellationToken.None).AsTask();
            accepting.IsCompleted.ShouldBeFalse();
            using var client = await ConnectAsync();
            using var accepted = await accepting.WaitAsync(Patience);
            accepted.RemoteEndPoint.ShouldBe(client.LocalEndPoint);
        }
    }

    [Fact]
    public async Task Accept_WhatWasAccepted_CarriesBytes_WithoutNaglesDelay()
    {
        using var client = await ConnectAsync();
        using var accepted = await _acceptor.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Patience);
        accepted.Socket.NoDelay.ShouldBeTrue();

        await client.SendAsync("hello"u8.ToArray());
        (await accepted.ReceiveExactlyAsync(5)).ShouldBe("hello"u8.ToArray());
    }

    [Fact]
    public async Task Accept_Cancelled_TheNextOneGetsWhoCameMeanwhile()
    {
        using var cancellation = new CancellationTokenSource();
        var accepting = _acceptor.AcceptAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => accepting.WaitAsync(Patience));

        using var client = await ConnectAsync();
        using var accepted = await _acceptor.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Patience);
        accepted.RemoteEndPoint.ShouldBe(client.LocalEndPoint);
    }

    [Fact]
    public async Task Dispose_EndsAWait_AndRefusesWhoComes()
    {
        var accepting = _acceptor.AcceptAsync(CancellationToken.None).AsTask();
        _acceptor.Dispose();

        await Should.ThrowAsync<ObjectDisposedException>(() => accepting.WaitAsync(Patience));
        await Should.ThrowAsync<ObjectDisposedException>(() => _acceptor.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Patience));
        (await Should.ThrowAsync<SocketException>(ConnectAsync)).SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
    }

    public void Dispose() => _acceptor.Dispose();

    private Task<TcpSocket> ConnectAsync() => TcpSocket.ConnectAsync(_address, from: null, CancellationToken.None).WaitAsync(Patience);
}
