using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.Sockets;

/// <summary>
/// Tells sockets that there is something to read, or room to write. While there is work it is a work item of the thread pool that asks the kernel and queues itself
/// again, behind what is ready to run; when nothing more has come it rests, and a thread of its own waits for it. So a busy sidecar is told of many sockets by one
/// call, on the thread that serves them, where .NET's own wakes a thread for each message. One per process; thread-safe.
/// </summary>
/// <remarks>
/// Two epolls (epoll(7)). All sockets are in the first, edge-triggered: each change is told once, to one thread. The first alone is in the second, once-only: whoever waits there
/// is woken when anything comes, and not again until the work item rests. There is one work item at any time, or one wait; what it remembers needs no lock.
/// </remarks>
internal sealed class SocketPoller : IThreadPoolWorkItem
{
    /// <value>Told by one call; the rest by the next, which another thread may make meanwhile. 64: 16 cost 5 % more CPU over 512 connections.</value>
    private const int MostEvents = 64;

    private const int LargestEvent = 16;

    /// <value>
    /// ms. Where something comes so soon after the last, the work item waits for the next so long itself, unless other work is there: one thread is woken for it, not two. Work that
    /// is queued meanwhile, by what is no socket, waits with it where one thread is all there is. 1 ms.
    /// </value>
    private const int Soon = 1;

    /// <value>How often it lets other work go first, before it rests: that may be another thread's, which it would outwait at full speed. 8.</value>
    private const int MostInVain = 8;

    private readonly Lock _gate = new();
    private readonly int _sockets = SystemCalls.CreateEpoll();
    private readonly int _anything = SystemCalls.CreateEpoll();
    private long _woken;
    private bool _waits;
    private int _inVain;
    private IPolled?[] _byDescriptor = new IPolled?[64];

    private SocketPoller()
    {
        if (!Control(_anything, Operation.Add, _sockets, Events.In | Events.OneShot))
        {
            throw SystemCalls.LastError();
        }

        new Thread(Wait, maxStackSize: 64 * 1024) { IsBackground = true, Name = "sockets" }.Start();
    }

    private enum Operation
    {
        Add = 1,
        Modify = 3,
    }

    [Flags]
    private enum Events : uint
    {
        None = 0,
        In = 0x1,
        Urgent = 0x2,
        Out = 0x4,
        Error = 0x8,
        HangUp = 0x10,
        PeerEnded = 0x2000,
        OneShot = 1u << 30,
        EdgeTriggered = 1u << 31,
    }

    /// <summary>The process's own.</summary>
    public static SocketPoller Shared { get; } = new();

    // struct epoll_event: its second field, what was said of the socket, follows the first at once on x86-64 alone.
    private static int DataOffset => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>From now on <paramref name="socket"/> is told, at once of what is so already.</summary>
    /// <exception cref="SocketException">The kernel watches as many as it may.</exception>
    public void Add(IPolled socket, int descriptor)
    {
        lock (_gate)
        {
            if (descriptor >= _byDescriptor.Length)
            {
                var larger = new IPolled?[Math.Max(descriptor + 1, _byDescriptor.Length * 2)];
                _byDescriptor.CopyTo(larger, 0);
                _byDescriptor = larger;
            }

            _byDescriptor[descriptor] = socket;
        }

        if (!Control(_sockets, Operation.Add, descriptor, Events.In | Events.Urgent | Events.Out | Events.PeerEnded | Events.EdgeTriggered))
        {
            var error = SystemCalls.LastError();
            Remove(socket, descriptor);
            throw error;
        }
    }

    /// <summary>To be called before its descriptor is closed, by which the kernel forgets it: the next to be given that number may come at once.</summary>
    public void Remove(IPolled socket, int descriptor)
    {
        lock (_gate)
        {
            if (_byDescriptor[descriptor] == socket)
            {
                _byDescriptor[descriptor] = null;
            }
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        Span<byte> events = stackalloc byte[MostEvents * LargestEvent];
        var waits = _waits && ThreadPool.PendingWorkItemCount == 0;
        var count = SystemCalls.WaitForEpoll(_sockets, ref MemoryMarshal.GetReference(events), MostEvents, waits ? Soon : 0);
        _inVain = count > 0 ? 0 : _inVain + 1;
        if (count <= 0 && (waits || !_waits || _inVain > MostInVain))
        {
            Control(_anything, Operation.Modify, _sockets, Events.In | Events.OneShot); // told at once of what came meanwhile
            return;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        var sockets = Volatile.Read(ref _byDescriptor);
        for (var i = 0; i < count; i++)
        {
            // What was told of a socket that has been closed since may reach the next of its number, which looks once in vain.
            var one = events[(i * (DataOffset + sizeof(ulong)))..];
            var descriptor = MemoryMarshal.Read<int>(one[DataOffset..]);
            if (descriptor < sockets.Length)
            {
                Tell(sockets[descriptor], MemoryMarshal.Read<Events>(one));
            }
        }
    }

    private static void Tell(IPolled? socket, Events events) => socket?.Tell(
        mayReceive: HasAny(events, Events.In | Events.Urgent | Events.PeerEnded | Events.Error | Events.HangUp),
        maySend: HasAny(events, Events.Out | Events.Error | Events.HangUp),
        mayFallShort: HasAny(events, Events.Urgent | Events.PeerEnded | Events.Error | Events.HangUp));

    private static bool HasAny(Events events, Events of) => (events & of) != Events.None;

    private void Wait()
    {
        Span<byte> one = stackalloc byte[LargestEvent];
        while (true)
        {
            if (SystemCalls.WaitForEpoll(_anything, ref MemoryMarshal.GetReference(one), 1, timeout: -1) > 0)
            {
                var now = TimeProvider.System.GetTimestamp();
                _waits = TimeProvider.System.GetElapsedTime(_woken, now) <= TimeSpan.FromMilliseconds(Soon);
                _woken = now;
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    private static bool Control(int epoll, Operation operation, int descriptor, Events events)
    {
        Span<byte> what = stackalloc byte[LargestEvent];
        what.Clear();
        MemoryMarshal.Write(what, events);
        MemoryMarshal.Write(what[DataOffset..], descriptor);
        return SystemCalls.ControlEpoll(epoll, (int)operation, descriptor, ref MemoryMarshal.GetReference(what)) == 0;
    }
}
