using System.Buffers.Binary;

namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>
/// The Huffman code of RFC 7541 Appendix B, decoding only. It is canonical: shorter codes are smaller numbers, and codes of one length follow each other in the
/// order of their symbols; so the lengths alone make it. A symbol of up to eight bits, which is nearly every one, takes one look-up.
/// </summary>
internal static class Huffman
{
    private const int EndOfString = 256;

    /// <value>Bits. Of the code of <see cref="EndOfString"/>.</value>
    private const int LongestCode = 30;

    /// <summary>Bits of each symbol's code; the last is the end of string.</summary>
    public static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, // control characters
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // from ' '
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // from '@'
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, // from '`'
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, // from 128
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30, // end of string
    ];

    // The symbols in the order of their codes.
    private static readonly ushort[] Symbols = new ushort[257];

    // By length: the first code beyond those of up to this length, its bits at the top of 32; and what is to be added to a code for its place in Symbols.
    private static readonly uint[] Beyond = new uint[LongestCode + 1];
    private static readonly int[] Offsets = new int[LongestCode + 1];

    // By the next eight bits: length of the code they begin with << 8 | its symbol; 0 where it is longer.
    private static readonly ushort[] Short = new ushort[256];

    static Huffman()
    {
        var code = 0;
        var place = 0;
        for (var length = 1; length <= LongestCode; length++)
        {
            code <<= 1;
            Offsets[length] = place - code;
            for (var symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (Lengths[symbol] != length)
                {
                    continue;
                }

                if (length <= 8)
                {
                    Short.AsSpan(code << (8 - length), 1 << (8 - length)).Fill((ushort)((length << 8) | symbol));
                }

                Symbols[place++] = (ushort)symbol;
                code++;
            }

            // All of 30 bits are taken: that one overflows, and is never compared with.
            Beyond[length] = (uint)((ulong)code << (32 - length));
        }
    }

    /// <summary>Most bytes a string of <paramref name="length"/> encoded bytes decodes to: the shortest code has five bits.</summary>
    public static int MaxDecodedLength(int length) => (int)((long)length * 8 / 5);

    /// <summary>
    /// Decodes one string into <paramref name="into"/>, which has room for <see cref="MaxDecodedLength"/>. Negative where it is none (§5.2): the end of string
    /// stands in it, or what is behind the last symbol is not fewer than eight ones.
    /// </summary>
    public static int Decode(ReadOnlySpan<byte> from, Span<byte> into)
    {
        // The next bits stand at the top; below them zeros.
        ulong bits = 0;
        var count = 0;
        var written = 0;
        while (true)
        {
            if (count < LongestCode)
            {
                Refill(ref from, ref bits, ref count);
            }

            int length = Short[(int)(bits >> 56)];
            var symbol = length & 0xff;
            length >>= 8;
            if (length == 0)
            {
                (length, symbol) = Long((uint)(bits >> 32));
            }

            if (length > count)
            {
                return count < 8 && IsPadding(bits, count) ? written : -1;
            }

            if (symbol == EndOfString)
            {
                return -1;
            }

            into[written++] = (byte)symbol;
            bits <<= length;
            count -= length;
        }
    }

    private static void Refill(ref ReadOnlySpan<byte> from, ref ulong bits, ref int count)
    {
        if (from.Length >= 4)
        {
            bits |= (ulong)BinaryPrimitives.ReadUInt32BigEndian(from) << (32 - count);
            count += 32;
            from = from[4..];
            return;
        }

        foreach (var b in from)
        {
            bits |= (ulong)b << (56 - count);
            count += 8;
        }

        from = default;
    }

    private static (int Length, int Symbol) Long(uint bits)
    {
        for (var length = 9; length < LongestCode; length++)
        {
            if (bits < Beyond[length])
            {
                return (length, Symbols[(int)(bits >> (32 - length)) + Offsets[length]]);
            }
        }

        return (LongestCode, Symbols[(int)(bits >> (32 - LongestCode)) + Offsets[LongestCode]]);
    }

    private static bool IsPadding(ulong bits, int count) => bits == ~(ulong.MaxValue >> count);
}
