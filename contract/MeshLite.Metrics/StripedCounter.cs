using System.Numerics;
using System.Runtime.InteropServices;

namespace MeshLite.Metrics;

/// <summary>
/// A sum that many threads add to without a lock: one word while nobody collides, and from the first collision on one
/// word per core, each on its own cache line (Doug Lea's Striped64/LongAdder). Most series never collide, and stay small.
/// Reads see each word grow only, so successive reads never fall.
/// </summary>
internal struct StripedCounter
{
    /// <summary>At most this many, whatever the machine: memory per series counts too.</summary>
    internal static readonly int StripeCount = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 8));

    private long _first;
    private Stripe[]? _stripes;

    public readonly long Value
    {
        get
        {
            var sum = Volatile.Read(in _first);
            if (_stripes is { } stripes)
            {
                foreach (ref readonly var stripe in stripes.AsSpan())
                {
                    sum += Volatile.Read(in stripe.Value);
                }
            }

            return sum;
        }
    }

    public void Add(long amount)
    {
        var stripes = _stripes;
        if (stripes is null)
        {
            var current = _first;
            if (Interlocked.CompareExchange(ref _first, current + amount, current) == current)
            {
                return;
            }

            Interlocked.CompareExchange(ref _stripes, new Stripe[StripeCount], null);
            stripes = _stripes;
        }

        Interlocked.Add(ref stripes[Thread.GetCurrentProcessorId() & (StripeCount - 1)].Value, amount);
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Stripe
    {
        public long Value;
    }
}
