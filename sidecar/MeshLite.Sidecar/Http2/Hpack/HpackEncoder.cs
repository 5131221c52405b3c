using System.Buffers;
using System.Text;

namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>
/// Writes header blocks (RFC 7541) without state: fields and names of the static table by index, all else as literals that are not indexed and not Huffman coded.
/// </summary>
internal static class HpackEncoder
{
    /// <value>Bytes. An integer of 31 bits behind a prefix takes five more (§5.1).</value>
    private const int MaxIntegerLength = 6;

    private const byte WithoutIndexing = 0x00;
    private const byte NeverIndexed = 0x10;

    /// <summary>What no value may hold (RFC 9113 §8.2.1).</summary>
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\r\n\0");

    /// <summary>Most bytes a field takes.</summary>
    public static int MaxLength(string name, string value) => 1 + MaxIntegerLength + name.Length + MaxIntegerLength + value.Length;

    /// <summary>
    /// Writes one field and gives its length: the name in lower case, the value as Latin-1. Throws <see cref="FormatException"/>, which names the field and not its value, where
    /// the name is neither a token nor one of the pseudo-fields, or the value is no Latin-1 or holds CR, LF or NUL.
    /// </summary>
    public static int Write(Span<byte> into, string name, string value)
    {
        if (value.AsSpan().ContainsAny(Forbidden) || value.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff'))
        {
            throw new FormatException($"The value of the header field {name} has a character that no header field can carry.");
        }

        var known = KnownNames.Find(name);
        if (known is { StaticIndex: > 0, IsSecret: false } && StaticTable.Find(known.StaticIndex, value) is > 0 and var index)
        {
            return WriteInteger(into, 0x80, 0x7f, index);
        }

        int at;
        if (known is null)
        {
            into[0] = WithoutIndexing;
            at = 1 + WriteInteger(into[1..], 0, 0x7f, name.Length);
            WriteName(into[at..], name);
            at += name.Length;
        }
        else if (known.StaticIndex == 0)
        {
            into[0] = WithoutIndexing;
            at = 1 + WriteInteger(into[1..], 0, 0x7f, name.Length);
            at += Encoding.Latin1.GetBytes(known.Name, into[at..]);
        }
        else
        {
            at = WriteInteger(into, known.IsSecret ? NeverIndexed : WithoutIndexing, 0x0f, known.StaticIndex);
        }

        at += WriteInteger(into[at..], 0, 0x7f, value.Length);
        return at + Encoding.Latin1.GetBytes(value, into[at..]);
    }

    /// <summary>A token (RFC 9110 §5.6.2), its letters in lower case.</summary>
    private static void WriteName(Span<byte> into, string name)
    {
        if (name.Length == 0)
        {
            throw NoToken(name);
        }

        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            if (c is >= 'A' and <= 'Z')
            {
                c |= '\x20';
            }
            else if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '_' or '.' or '!' or '#' or '$' or '%' or '&' or '\'' or '*' or '+' or '^' or '`' or '|' or '~'))
            {
                throw NoToken(name);
            }

            into[i] = (byte)c;
        }
    }

    private static FormatException NoToken(string name) => new($"The name of the header field {name} is no token.");

    // §5.1
    private static int WriteInteger(Span<byte> into, byte pattern, int mask, int value)
    {
        if (value < mask)
        {
            into[0] = (byte)(pattern | value);
            return 1;
        }

        into[0] = (byte)(pattern | mask);
        value -= mask;
        var at = 1;
        for (; value >= 0x80; value >>= 7)
        {
            into[at++] = (byte)(value | 0x80);
        }

        into[at++] = (byte)value;
        return at;
    }
}
