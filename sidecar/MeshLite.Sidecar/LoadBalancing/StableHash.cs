using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// A 64-bit hash that is the same in every process, so that all sidecars send a key the same way: FNV-1a
/// (G. Fowler, L. C. Noll, K.-P. Vo; RFC 9923) and, since its upper bits alone are poorly mixed and ours divide ranges,
/// the finalizer of MurmurHash3 (A. Appleby, <c>fmix64</c>). Keys are short; nobody gains but himself by choosing one.
/// </summary>
internal static class StableHash
{
    private const ulong FnvOffset = 0xCBF29CE484222325;
    private const ulong FnvPrime = 0x100000001B3;

    /// <summary>Of a text, by its UTF-16 code units.</summary>
    public static ulong Of(ReadOnlySpan<char> text) => Of(MemoryMarshal.AsBytes(text));

    /// <summary>Of bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes) => Mix(Fnv1a(bytes));

    /// <summary>Unmixed.</summary>
    internal static ulong Fnv1a(ReadOnlySpan<byte> bytes)
    {
        var hash = FnvOffset;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * FnvPrime;
        }

        return hash;
    }

    /// <summary>One to one; each bit of the argument changes each bit of the result half the time.</summary>
    public static ulong Mix(ulong value)
    {
        value ^= value >> 33;
        value *= 0xFF51AFD7ED558CCD;
        value ^= value >> 33;
        value *= 0xC4CEB9FE1A85EC53;
        return value ^ (value >> 33);
    }
}
