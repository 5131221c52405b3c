using System.Runtime.InteropServices;

namespace MeshLite.Bench.Load.OpenLoop;

/// <summary>ppoll(2): waits for sockets with a timeout in nanoseconds, which nothing in .NET does; a thread of the pool would come later by a wake-up.</summary>
internal static partial class Poll
{
    private const int Interrupted = 4;
    private const short In = 1;

    /// <summary>An entry that waits for something to read.</summary>
    public static Entry ToRead(nint socket) => new() { Socket = (int)socket, Events = In };

    /// <summary>Waits until one of <paramref name="entries"/> has something, or <paramref name="timeout"/> is over.</summary>
    public static void Wait(Span<Entry> entries, TimeSpan timeout)
    {
        var left = timeout < TimeSpan.Zero ? TimeSpan.Zero : timeout;
        var time = new TimeSpec { Seconds = (long)left.TotalSeconds, Nanoseconds = left.Ticks % TimeSpan.TicksPerSecond * 100 };
        if (NativePoll(ref MemoryMarshal.GetReference(entries), (nuint)entries.Length, ref time, 0) < 0 && Marshal.GetLastPInvokeError() is not Interrupted and var error)
        {
            throw new InvalidOperationException($"ppoll: error {error}");
        }
    }

    [LibraryImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    private static partial int NativePoll(ref Entry entries, nuint count, ref TimeSpec timeout, nint signals);

    /// <summary>struct pollfd.</summary>
    internal struct Entry
    {
        public int Socket;
        public short Events;
        public short Happened;

        /// <summary>Data, an end or an error: reading will tell.</summary>
        public readonly bool IsReadable => Happened != 0;
    }

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
