using System.Buffers.Binary;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>Hexadecimal digits, lower case only: W3C Trace Context and B3 both say so.</summary>
internal static class Hex
{
    private const byte NoDigit = 16;

    /// <summary>Of each letter of ASCII, its value; the last stands for all letters beyond.</summary>
    private static readonly byte[] Values = CreateValues();

    /// <summary>16 digits, zeros in front; <paramref name="target"/> has room for them.</summary>
    public static void Format(ulong value, Span<char> target)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        Convert.TryToHexStringLower(bytes, target, out _);
    }

    /// <summary>At most 16 digits; false: another character among them. Without a branch for each: ids are random, and so would its prediction be.</summary>
    public static bool TryParse(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        var all = 0;
        foreach (var c in digits)
        {
            var digit = Values[Math.Min(c, Values.Length - 1)];
            all |= digit;
            value = (value << 4) | (uint)(digit & 0xf);
        }

        var valid = all < NoDigit;
        value = valid ? value : 0;
        return valid;
    }

    private static byte[] CreateValues()
    {
        var values = new byte[128];
        Array.Fill(values, NoDigit);
        for (byte value = 0; value < NoDigit; value++)
        {
            values["0123456789abcdef"[value]] = value;
        }

        return values;
    }
}
