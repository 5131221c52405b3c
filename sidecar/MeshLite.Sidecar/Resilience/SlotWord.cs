namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// Counts of the last so many stretches of time, in a ring of 64-bit words: the upper half says which slot a word
/// counts, the lower half is the count. A word of an older slot than asked for is worth nothing and is overwritten by
/// the first to count there, so nobody has to clear anything as time passes. Lock-free, from any thread. Slots are
/// numbered by a <see cref="SlotClock"/>; a ring of zeros is empty.
/// </summary>
internal static class SlotWord
{
    /// <summary>
    /// Adds to a slot; a count stays at its maximum of 2^32−1. Who read the clock so long ago that the slot's place is taken by
    /// a newer one adds nothing.
    /// </summary>
    public static void Add(long[] ring, uint slot, uint amount)
    {
        ref var word = ref ring[slot % (uint)ring.Length];
        var seen = Volatile.Read(ref word);
        while (true)
        {
            if (unchecked((int)(SlotOf(seen) - slot)) > 0)
            {
                return;
            }

            var count = SlotOf(seen) == slot ? CountOf(seen) : 0;
            var was = Interlocked.CompareExchange(ref word, Pack(slot, Math.Min((ulong)count + amount, uint.MaxValue)), seen);
            if (was == seen)
            {
                return;
            }

            seen = was;
        }
    }

    /// <summary>Takes up to <paramref name="wanted"/> from a slot; returns how much.</summary>
    public static uint Take(long[] ring, uint slot, uint wanted)
    {
        ref var word = ref ring[slot % (uint)ring.Length];
        var seen = Volatile.Read(ref word);
        while (true)
        {
            var taken = SlotOf(seen) == slot ? Math.Min(CountOf(seen), wanted) : 0;
            if (taken == 0)
            {
                return 0;
            }

            var was = Interlocked.CompareExchange(ref word, Pack(slot, CountOf(seen) - taken), seen);
            if (was == seen)
            {
                return taken;
            }

            seen = was;
        }
    }

    /// <summary>The counts of <paramref name="slot"/> and of those before it, as many as the ring has room for.</summary>
    public static long Sum(long[] ring, uint slot)
    {
        long sum = 0;
        foreach (ref var word in ring.AsSpan())
        {
            var seen = Volatile.Read(ref word);
            sum += unchecked(slot - SlotOf(seen)) < (uint)ring.Length ? CountOf(seen) : 0;
        }

        return sum;
    }

    private static long Pack(uint slot, ulong count) => (long)(((ulong)slot << 32) | count);

    private static uint SlotOf(long word) => (uint)((ulong)word >> 32);

    private static uint CountOf(long word) => unchecked((uint)word);
}
