using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Sockets;

/// <summary>Both ends of a TCP connection over loopback, both of our own.</summary>
internal sealed record Ends(TcpSocket Client, TcpSocket Server) : IDisposable
{
    /// <value>What takes longer has got stuck.</value>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Socket Listen(IPAddress? address = null, int backlog = int.MaxValue)
    {
        var listener = new Socket((address ?? IPAddress.Loopback).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address ?? IPAddress.Loopback, 0));
        listener.Listen(backlog);
        return listener;
    }

    public static async Task<Ends> CreateAsync(Socket? listener = null, IPEndPoint? from = null)
    {
        using var own = listener is null ? Listen() : null;
        listener ??= own!;
        var client = await TcpSocket.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, from, CancellationToken.None).WaitAsync(Patience);
        return new Ends(client, new TcpSocket(await listener.AcceptAsync().WaitAsync(Patience)));
    }

    /// <summary>Little fits between them.</summary>
    public Ends Narrow()
    {
        foreach (var socket in (TcpSocket[])[Client, Server])
        {
            socket.Socket.SendBufferSize = 32 * 1024;
            socket.Socket.ReceiveBufferSize = 32 * 1024;
        }

        return this;
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }
}

/// <summary>What callers of a <see cref="TcpSocket"/> do: try, and wait.</summary>
internal static class Trying
{
    /// <value>The state of a connection whose peer has ended its side (TCP_CLOSE_WAIT).</value>
    private const byte CloseWait = 8;

    /// <summary>What there is once there is something; 0: the end.</summary>
    public static async Task<int> ReceiveAsync(this TcpSocket socket, Memory<byte> buffer)
    {
        int count;
        while (!socket.TryReceive(buffer.Span, out count))
        {
            await socket.WaitToReceiveAsync(CancellationToken.None).AsTask().WaitAsync(Ends.Patience);
        }

        return count;
    }

    public static async Task<byte[]> ReceiveExactlyAsync(this TcpSocket socket, int count, int most = int.MaxValue)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var received = await socket.ReceiveAsync(bytes.AsMemory(at, Math.Min(most, count - at)));
            received.ShouldBeGreaterThan(0, "the end came early");
            at += received;
        }

        return bytes;
    }

    public static Task SendAsync(this TcpSocket socket, byte[] bytes) => socket.SendAsync(new ReadOnlySequence<byte>(bytes));

    public static async Task SendAsync(this TcpSocket socket, ReadOnlySequence<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (socket.TrySend(bytes, out var count))
            {
                count.ShouldBeGreaterThan(0, "there was room for nothing");
                bytes = bytes.Slice(count);
            }
            else
            {
                await socket.WaitToSendAsync(CancellationToken.None).AsTask().WaitAsync(Ends.Patience);
            }
        }
    }

    /// <summary>A wait where nothing is there. What was told of the socket that had its number before may end it, once in a while.</summary>
    public static Task Resting(Func<Task> wait)
    {
        for (var i = 0; i < 100; i++)
        {
            var waiting = wait();
            if (!waiting.IsCompleted)
            {
                return waiting;
            }
        }

        throw new InvalidOperationException("It does not wait.");
    }

    /// <summary>The same, to receive.</summary>
    public static Task RestingAsync(this TcpSocket socket, CancellationToken cancellationToken = default) => Resting(() =>
    {
        socket.TryReceive(new byte[1], out _).ShouldBeFalse();
        return socket.WaitToReceiveAsync(cancellationToken).AsTask();
    });

    /// <summary>Sends until there is no room; how many bytes went.</summary>
    public static int Fill(this TcpSocket socket, byte[] with)
    {
        var sent = 0;
        while (socket.TrySend(new ReadOnlySequence<byte>(with), out var count))
        {
            sent += count;
        }

        return sent;
    }

    /// <summary>Until all that the peer has sent has come, its end too; without a look at it.</summary>
    public static Task EndedByPeerAsync(this TcpSocket socket) => TestKit.Eventually.TrueAsync(
        () =>
        {
            const int Tcp = 6;
            const int Info = 11;
            Span<byte> info = stackalloc byte[8];
            socket.Socket.GetRawSocketOption(Tcp, Info, info);
            return info[0] == CloseWait;
        },
        "the end has come",
        Ends.Patience);
}
