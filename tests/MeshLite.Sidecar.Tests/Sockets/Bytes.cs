using System.Buffers;

namespace MeshLite.Sidecar.Tests.Sockets;

internal static class Bytes
{
    public static byte[] Random(int count, int seed = 0)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>In buffers of these sizes; what is left is one more.</summary>
    public static ReadOnlySequence<byte> Cut(byte[] bytes, params IEnumerable<int> sizes)
    {
        Segment? first = null;
        Segment? last = null;
        var at = 0;
        foreach (var size in sizes)
        {
            Append(size);
        }

        Append(bytes.Length - at);
        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);

        void Append(int size)
        {
            last = new Segment(bytes.AsMemory(at, size), at, last);
            first ??= last;
            at += size;
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long at, Segment? before)
        {
            Memory = memory;
            RunningIndex = at;
            before?.Next = this;
        }
    }
}
