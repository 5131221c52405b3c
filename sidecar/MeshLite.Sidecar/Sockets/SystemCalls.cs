using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.Sockets;

/// <summary>
/// System calls of Linux: those .NET has no public door to, and those that are made for each message. Each is one call; what failed is told by
/// <see cref="Marshal.GetLastPInvokeError"/>.
/// </summary>
internal static partial class SystemCalls
{
    /// <summary>EINTR: a signal came first.</summary>
    public const int Interrupted = 4;

    /// <summary>EAGAIN: not now.</summary>
    public const int TryAgain = 11;

    private const int InProgress = 115;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    /// <summary>recv(2). Bytes; 0: the peer has ended its side; -1: failed.</summary>
    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SafeSocketHandle socket, ref byte buffer, nint length, int flags);

    /// <summary>send(2). Bytes taken, maybe fewer; -1: failed.</summary>
    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SafeSocketHandle socket, ref byte buffer, nint length, int flags);

    /// <summary>writev(2): as <see cref="Send"/>, of several buffers. .NET ignores SIGPIPE.</summary>
    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    public static partial nint Write(SafeSocketHandle socket, ref IoVector vectors, int count);

    /// <summary>epoll_ctl(2). 0, or -1: failed.</summary>
    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int ControlEpoll(int epoll, int operation, int descriptor, ref byte what);

    /// <summary>epoll_wait(2), in ms; 0 does not wait, -1 waits for ever. Events, or -1: failed.</summary>
    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int WaitForEpoll(int epoll, ref byte events, int most, int timeout);

    /// <summary>epoll_create1(2).</summary>
    public static int CreateEpoll() =>
        CreateEpoll(CloseOnExec) is >= 0 and var epoll ? epoll : throw new IOException($"epoll_create1 failed: {Marshal.GetLastPInvokeErrorMessage()}");

    /// <summary>A socket of TCP that does not block.</summary>
    /// <exception cref="SocketException">Out of descriptors, mostly.</exception>
    public static SafeSocketHandle CreateTcp(AddressFamily family)
    {
        const int Ipv4 = 2;
        const int Ipv6 = 10;
        const int Stream = 1;
        const int Tcp = 6;
        var descriptor = CreateSocket(family == AddressFamily.InterNetworkV6 ? Ipv6 : Ipv4, Stream | NonBlocking | CloseOnExec, Tcp);
        return descriptor >= 0 ? new SafeSocketHandle(descriptor, ownsHandle: true) : throw LastError();
    }

    /// <summary>bind(2).</summary>
    /// <exception cref="SocketException">It failed.</exception>
    public static void Bind(SafeSocketHandle socket, IPEndPoint address)
    {
        var bytes = address.Serialize();
        if (Bind(socket, ref MemoryMarshal.GetReference(bytes.Buffer.Span), bytes.Size) != 0)
        {
            throw LastError();
        }
    }

    /// <summary>connect(2). False: it is under way, until the socket can be sent to.</summary>
    /// <exception cref="SocketException">It failed at once.</exception>
    public static bool Connect(SafeSocketHandle socket, IPEndPoint address)
    {
        var bytes = address.Serialize();
        if (Connect(socket, ref MemoryMarshal.GetReference(bytes.Buffer.Span), bytes.Size) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() is InProgress or Interrupted ? false : throw LastError();
    }

    /// <summary>The last call's failure (errno(3)), as .NET names it.</summary>
    public static SocketException LastError() => new((int)(Marshal.GetLastPInvokeError() switch
    {
        1 or 13 => SocketError.AccessDenied, // EPERM, EACCES
        12 or 105 => SocketError.NoBufferSpaceAvailable, // ENOMEM, ENOBUFS
        22 => SocketError.InvalidArgument, // EINVAL
        23 or 24 => SocketError.TooManyOpenSockets, // ENFILE, EMFILE
        32 => SocketError.Shutdown, // EPIPE
        97 => SocketError.AddressFamilyNotSupported, // EAFNOSUPPORT
        98 => SocketError.AddressAlreadyInUse, // EADDRINUSE
        99 => SocketError.AddressNotAvailable, // EADDRNOTAVAIL
        100 => SocketError.NetworkDown, // ENETDOWN
        101 => SocketError.NetworkUnreachable, // ENETUNREACH
        103 => SocketError.ConnectionAborted, // ECONNABORTED
        104 => SocketError.ConnectionReset, // ECONNRESET
        107 => SocketError.NotConnected, // ENOTCONN
        110 => SocketError.TimedOut, // ETIMEDOUT
        111 => SocketError.ConnectionRefused, // ECONNREFUSED
        112 => SocketError.HostDown, // EHOSTDOWN
        113 => SocketError.HostUnreachable, // EHOSTUNREACH
        _ => SocketError.SocketError,
    }));

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int CreateEpoll(int flags);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int CreateSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(SafeSocketHandle socket, ref byte address, int length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(SafeSocketHandle socket, ref byte address, int length);

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        /// <summary>Where the bytes are; pinned.</summary>
        public nint Base;

        /// <summary>How many.</summary>
        public nint Length;
    }
}
