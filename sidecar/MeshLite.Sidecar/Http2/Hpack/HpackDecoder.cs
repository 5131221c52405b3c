using System.Buffers;
using System.Globalization;
using System.Text;

namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>
/// Decodes the header blocks of one connection, in order (RFC 7541). Its tables hold strings, so a field given by index costs nothing; of literals only values, and
/// names that are not known (<see cref="KnownNames"/>), make new ones. What it allocates for a block is bounded by the block's length. Not thread-safe.
/// </summary>
/// <param name="maxTableSize">Bytes. Our SETTINGS_HEADER_TABLE_SIZE.</param>
internal sealed class HpackDecoder(int maxTableSize)
{
    /// <value>Bytes. A table's size until either side says something else (RFC 9113 §6.5.2).</value>
    private const int InitialTableSize = 4096;

    /// <value>Bytes. A Huffman string that may take more borrows an array.</value>
    private const int StackBytes = 256;

    // Numbers of up to three digits: each status, and short lengths. Made as they are met.
    private static readonly string?[] Numbers = new string?[1000];

    private static readonly string Status = StaticTable.At(8).Name;
    private static readonly string ContentLength = StaticTable.At(28).Name;

    /// <summary>For tests.</summary>
    public DynamicTable Table { get; } = new(Math.Min(InitialTableSize, maxTableSize));

    /// <summary>
    /// Decodes a whole block (CONTINUATIONs joined); each field goes to <paramref name="sink"/>. Throws <see cref="HpackException"/>, after which this decoder is of no more use.
    /// </summary>
    public void Decode<TSink>(ReadOnlySpan<byte> block, ref TSink sink)
        where TSink : struct, IFieldSink, allows ref struct
    {
        var at = 0;
        var mayResize = true;
        while (at < block.Length)
        {
            int first = block[at];
            if (first >= 0x80)
            {
                // §6.1
                ref readonly var field = ref FieldAt(ReadInteger(block, ref at, 0x7f));
                mayResize = false;
                sink.OnField(field.Name, field.Value);
            }
            else if ((first & 0xe0) == 0x20)
            {
                // §6.3; §4.2: at the beginning only
                var size = ReadInteger(block, ref at, 0x1f);
                if (!mayResize || size > maxTableSize)
                {
                    throw new HpackException(mayResize ? $"The peer's header table would have {size} bytes; {maxTableSize} are allowed." : "The size of the header table changes within a block.");
                }

                Table.Resize(size);
            }
            else
            {
                // §6.2: with indexing, without, never
                var isIndexed = (first & 0x40) != 0;
                var index = ReadInteger(block, ref at, isIndexed ? 0x3f : 0x0f);
                var name = index != 0 ? FieldAt(index).Name : ReadString(block, ref at, nameOf: null);
                var value = ReadString(block, ref at, name);
                if (isIndexed)
                {
                    Table.Add(name, value);
                }

                mayResize = false;
                sink.OnField(name, value);
            }
        }
    }

    // §2.3.3
    private ref readonly (string Name, string Value) FieldAt(int index)
    {
        if (index is >= 1 and <= StaticTable.Count)
        {
            return ref StaticTable.At(index);
        }

        if (index == 0 || index - StaticTable.Count > Table.Count)
        {
            throw new HpackException($"No header field has the index {index}; the table has {Table.Count}.");
        }

        return ref Table[index - StaticTable.Count - 1];
    }

    /// <summary>§5.1. The prefix is the bits of <paramref name="mask"/>; at most five bytes follow.</summary>
    private static int ReadInteger(ReadOnlySpan<byte> block, ref int at, int mask)
    {
        long value = ReadByte(block, ref at) & mask;
        if (value < mask)
        {
            return (int)value;
        }

        for (var shift = 0; shift < 5 * 7; shift += 7)
        {
            var b = ReadByte(block, ref at);
            value += (long)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return value <= int.MaxValue ? (int)value : throw new HpackException("An integer in a header block is too large.");
            }
        }

        throw new HpackException("An integer in a header block is too long.");
    }

    private static int ReadByte(ReadOnlySpan<byte> block, ref int at) => at < block.Length ? block[at++] : throw EndsWithinField();

    /// <summary>§5.2. A name, or the value <paramref name="nameOf"/> that field.</summary>
    private static string ReadString(ReadOnlySpan<byte> block, ref int at, string? nameOf)
    {
        var isHuffman = at < block.Length && block[at] >= 0x80;
        var length = ReadInteger(block, ref at, 0x7f);
        if (length > block.Length - at)
        {
            throw EndsWithinField();
        }

        var text = block.Slice(at, length);
        at += length;
        return isHuffman ? ReadHuffman(text, nameOf) : ToString(text, nameOf);
    }

    private static string ReadHuffman(ReadOnlySpan<byte> text, string? nameOf)
    {
        var room = Huffman.MaxDecodedLength(text.Length);
        if (room <= StackBytes)
        {
            Span<byte> bytes = stackalloc byte[StackBytes];
            return Decoded(text, bytes, nameOf);
        }

        var borrowed = ArrayPool<byte>.Shared.Rent(room);
        try
        {
            return Decoded(text, borrowed, nameOf);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(borrowed);
        }

        static string Decoded(ReadOnlySpan<byte> text, Span<byte> bytes, string? nameOf)
        {
            var length = Huffman.Decode(text, bytes);
            return length >= 0 ? ToString(bytes[..length], nameOf) : throw new HpackException("A Huffman string in a header block does not end as it must.");
        }
    }

    private static string ToString(ReadOnlySpan<byte> text, string? nameOf)
    {
        if (nameOf is null)
        {
            return KnownNames.Find(text) ?? Encoding.Latin1.GetString(text);
        }

        return (ReferenceEquals(nameOf, Status) || ReferenceEquals(nameOf, ContentLength)) && Number(text) is { } number ? number : Encoding.Latin1.GetString(text);
    }

    // Null: not up to three digits, or written with a zero before them.
    private static string? Number(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > 3 || (text[0] == '0' && text.Length > 1))
        {
            return null;
        }

        var number = 0;
        foreach (var b in text)
        {
            if (!char.IsAsciiDigit((char)b))
            {
                return null;
            }

            number = (number * 10) + (b - '0');
        }

        return Numbers[number] ??= number.ToString(CultureInfo.InvariantCulture);
    }

    private static HpackException EndsWithinField() => new("A header block ends within a field.");
}
