using System.Buffers.Binary;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>Hexadecimal digits, lower case only: W3C Trace Context and B3 both say so.</summary>
internal static class Hex
{
    /// <summary>16 digits, zeros in front; <paramref name="target"/> has room for them.</summary>
    public static void Format(ulong value, Span<char> target)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        Convert.TryToHexStringLower(bytes, target, out _);
    }

    /// <summary>At most 16 digits; false: another character among them.</summary>
    public static bool TryParse(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        foreach (var c in digits)
        {
            if (c is not ((>= '0' and <= '9') or (>= 'a' and <= 'f')))
            {
                value = 0;
                return false;
            }

            value = (value << 4) | (uint)(c <= '9' ? c - '0' : c - 'a' + 10);
        }

        return true;
    }
}
