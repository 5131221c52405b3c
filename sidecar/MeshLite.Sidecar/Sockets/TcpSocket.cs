using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.Sockets;

/// <summary>
/// A connected TCP socket that never blocks: each call does what can be done now, and the <see cref="SocketPoller"/> says when more can. Without Nagle's delay.
/// One may receive and one may send at a time; the rest is thread-safe.
/// </summary>
/// <remarks>
/// A receive that filled less than it might have took all there was; what comes later is told (epoll(7), question 9). So a message costs one call, not a second that finds
/// nothing. Once the peer has ended its side no more is told, and each receive asks;
/// and so once urgent data (interrupts of telnet and FTP) has come, before which the kernel lets a receive end.
/// </remarks>
internal sealed class TcpSocket : IPolled, IDisposable
{
    private const int Peek = 0x2;
    private const int NoSignal = 0x4000;

    /// <value>Buffers sent by one call; what is left goes by the next. 16.</value>
    private const int MostBuffers = 16;

    private readonly Readiness _receive;
    private readonly Readiness _send;
    private readonly SafeSocketHandle _handle;
    private readonly int _descriptor;
    private Socket? _socket;
    private volatile bool _mayFallShort;
    private int _disposed;

    /// <summary>Of a socket just accepted, or connected, which it owns: .NET must not have waited for it.</summary>
    /// <exception cref="SocketException">Too many are watched; the socket is closed.</exception>
    public TcpSocket(Socket connected)
        : this(connected.SafeHandle, connected, isConnected: true)
    {
    }

    private TcpSocket(SafeSocketHandle handle, Socket? socket, bool isConnected)
    {
        _receive = new Readiness(isConnected);
        _send = new Readiness(isConnected);
        _handle = handle;
        _socket = socket;
        _descriptor = (int)handle.DangerousGetHandle();
        try
        {
            if (socket is not null)
            {
                socket.NoDelay = true;
                socket.Blocking = false;
            }

            SocketPoller.Shared.Add(this, _descriptor);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>This side; null: it is closed.</summary>
    public IPEndPoint? LocalEndPoint => AddressOf(static socket => socket.LocalEndPoint);

    /// <summary>The peer; null: it is closed.</summary>
    public IPEndPoint? RemoteEndPoint => AddressOf(static socket => socket.RemoteEndPoint);

    /// <summary>For what .NET does with sockets, but nothing that waits.</summary>
    public Socket Socket => _socket!;

    /// <summary>Connects.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="from">The address to call from; null: as the kernel chooses.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">It failed.</exception>
    public static async Task<TcpSocket> ConnectAsync(IPEndPoint address, IPEndPoint? from, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var handle = SystemCalls.CreateTcp(address.AddressFamily);
        TcpSocket? socket = null;
        try
        {
            if (from is not null)
            {
                SystemCalls.Bind(handle, from);
            }

            var isConnected = SystemCalls.Connect(handle, address);
            socket = new TcpSocket(handle, socket: null, isConnected);
            await socket._send.WaitAsync(cancellationToken);
            socket._socket = new Socket(handle); // which learns by itself that it is connected
            if (socket._socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error and not 0)
            {
                throw new SocketException(error);
            }

            socket._socket.NoDelay = true;
            return socket;
        }
        catch
        {
            socket?.Dispose();
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Receives what there is. False: nothing is there, <see cref="WaitToReceiveAsync"/>. A count of 0: the peer has ended its side.</summary>
    /// <exception cref="SocketException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public bool TryReceive(Span<byte> buffer, out int count) => TryReceive(buffer, flags: 0, out count);

    /// <summary>As <see cref="TryReceive(Span{byte}, out int)"/>, and leaves it there.</summary>
    public bool TryPeek(Span<byte> buffer, out int count) => TryReceive(buffer, Peek, out count);

    /// <summary>Ends when there may be something to receive, or the socket was closed.</summary>
    public ValueTask WaitToReceiveAsync(CancellationToken cancellationToken) => _receive.WaitAsync(cancellationToken);

    /// <summary>Sends what there is room for, maybe not all. False: there is none, <see cref="WaitToSendAsync"/>.</summary>
    /// <exception cref="SocketException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public bool TrySend(in ReadOnlySequence<byte> buffer, out int count)
    {
        count = 0;
        if (!_send.TryTake())
        {
            return false;
        }

        do
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            count = buffer.IsSingleSegment
                ? (int)SystemCalls.Send(_handle, ref MemoryMarshal.GetReference(buffer.FirstSpan), buffer.FirstSpan.Length, NoSignal)
                : SendSeveral(buffer);
        }
        while (count < 0 && IsInterrupted());

        return IsDone(_send, ref count, mayGoOn: true);
    }

    /// <summary>Ends when there may be room to send, or the socket was closed.</summary>
    public ValueTask WaitToSendAsync(CancellationToken cancellationToken) => _send.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public void Tell(bool mayReceive, bool maySend, bool mayFallShort)
    {
        if (mayFallShort)
        {
            _mayFallShort = true;
        }

        if (maySend)
        {
            _send.Set();
        }

        if (mayReceive)
        {
            _receive.Set();
        }
    }

    /// <summary>Ends one side, or both, by FIN. Nothing, if that has happened already.</summary>
    public void Shutdown(SocketShutdown side)
    {
        try
        {
            Socket.Shutdown(side);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection is over.
        }
    }

    /// <summary>RST instead of FIN: half a stream must not look like a whole one.</summary>
    public void Reset() => Close(static socket => socket.Close(timeout: 0));

    /// <summary>Closes it. Whoever waits goes on, on another thread.</summary>
    public void Dispose() => Close(static socket => socket.Dispose());

    private void Close(Action<Socket> how)
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            SocketPoller.Shared.Remove(this, _descriptor);
            if (_socket is { } socket)
            {
                how(socket);
            }
            else
            {
                _handle.Dispose();
            }

            _receive.Close();
            _send.Close();
        }
    }

    private IPEndPoint? AddressOf(Func<Socket, EndPoint?> which)
    {
        try
        {
            return which(Socket) as IPEndPoint;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    private bool TryReceive(Span<byte> buffer, int flags, out int count)
    {
        count = 0;
        if (!_receive.TryTake())
        {
            return false;
        }

        do
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            count = (int)SystemCalls.Receive(_handle, ref MemoryMarshal.GetReference(buffer), buffer.Length, flags);
        }
        while (count < 0 && IsInterrupted());

        return IsDone(_receive, ref count, mayGoOn: count == buffer.Length || count == 0 || flags == Peek || _mayFallShort);
    }

    private unsafe int SendSeveral(in ReadOnlySequence<byte> buffers)
    {
        Span<SystemCalls.IoVector> vectors = stackalloc SystemCalls.IoVector[MostBuffers];
        var pins = default(Pins);
        var count = 0;
        try
        {
            foreach (var buffer in buffers)
            {
                if (buffer.IsEmpty)
                {
                    continue; // a call full of them would send nothing, for ever
                }

                pins[count] = buffer.Pin();
                vectors[count] = new SystemCalls.IoVector { Base = (nint)pins[count].Pointer, Length = buffer.Length };
                if (++count == MostBuffers)
                {
                    break;
                }
            }

            return (int)SystemCalls.Write(_handle, ref MemoryMarshal.GetReference(vectors), count);
        }
        finally
        {
            foreach (ref var pin in pins[..count])
            {
                pin.Dispose();
            }
        }
    }

    private static bool IsInterrupted() => Marshal.GetLastPInvokeError() == SystemCalls.Interrupted;

    // What a call has said: done, or nothing can be done now, or why nothing can any more.
    private static bool IsDone(Readiness direction, ref int count, bool mayGoOn)
    {
        if (count < 0 && Marshal.GetLastPInvokeError() == SystemCalls.TryAgain)
        {
            count = 0;
            return false;
        }

        var failure = count < 0 ? SystemCalls.LastError() : null;
        if (mayGoOn || failure is not null)
        {
            direction.Set();
        }

        return failure is null ? true : throw failure;
    }

    [InlineArray(MostBuffers)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
