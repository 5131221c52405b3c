using System.Text;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

/// <summary>
/// Encodes by everything RFC 7541 allows, chosen at random: indices of both tables, the three kinds of literals, Huffman code, sizes of the table. Slow and simple; that it
/// encodes truly, <see cref="KestrelPeerTests"/> shows.
/// </summary>
internal sealed class ReferenceEncoder(Random random, int maxTableSize)
{
    private int _tableSize = Math.Min(4096, maxTableSize);

    /// <summary>The dynamic table, the newest first.</summary>
    public List<(string Name, string Value)> Table { get; } = [];

    /// <summary>A whole block.</summary>
    public byte[] Encode(IEnumerable<(string Name, string Value)> fields)
    {
        var block = new List<byte>();
        for (var updates = random.Next(4) == 0 ? random.Next(1, 3) : 0; updates > 0; updates--)
        {
            _tableSize = random.Next(4) == 0 ? 0 : random.Next(maxTableSize + 1);
            Evict(_tableSize);
            block.AddRange(Integer(0x20, 5, _tableSize));
        }

        foreach (var (name, value) in fields)
        {
            block.AddRange(Field(name, value));
        }

        return [.. block];
    }

    /// <summary>§5.1.</summary>
    public static byte[] Integer(int pattern, int prefix, long value)
    {
        var mask = (1 << prefix) - 1;
        if (value < mask)
        {
            return [(byte)(pattern | (int)value)];
        }

        var bytes = new List<byte> { (byte)(pattern | mask) };
        for (value -= mask; value >= 128; value /= 128)
        {
            bytes.Add((byte)(128 + (value % 128)));
        }

        return [.. bytes, (byte)value];
    }

    /// <summary>§5.2, the Huffman code's bits as text of 0 and 1.</summary>
    public static byte[] Huffman(string text) => Bytes(string.Concat(text.Select(c => Code(c))));

    /// <summary>Padded with ones.</summary>
    public static byte[] Bytes(string bits) => [.. bits.Chunk(8).Select(b => Convert.ToByte(new string(b).PadRight(8, '1'), 2))];

    /// <summary>The bits of a symbol's code; 256 is the end of string.</summary>
    public static string Code(int symbol) => Codes[symbol];

    private static readonly string[] Codes = CanonicalCodes();

    private static string[] CanonicalCodes()
    {
        var codes = new string[257];
        var lengths = MeshLite.Sidecar.Http2.Hpack.Huffman.Lengths.ToArray();
        var code = -1L;
        var before = 0;
        foreach (var symbol in Enumerable.Range(0, 257).OrderBy(s => lengths[s]).ThenBy(s => s))
        {
            code = (code + 1) << (lengths[symbol] - before);
            before = lengths[symbol];
            codes[symbol] = Convert.ToString(code, 2).PadLeft(before, '0');
        }

        return codes;
    }

    private byte[] Field(string name, string value)
    {
        var all = Enumerable.Range(1, StaticTable.Count).Select(i => StaticTable.At(i)).Concat(Table).Select((field, i) => (field.Name, field.Value, Index: i + 1)).ToList();
        var whole = all.Where(f => f.Name == name && f.Value == value).ToList();
        if (whole.Count > 0 && random.Next(4) != 0)
        {
            return Integer(0x80, 7, whole[random.Next(whole.Count)].Index);
        }

        var (pattern, prefix) = random.Next(4) switch { 0 => (0x00, 4), 1 => (0x10, 4), _ => (0x40, 6) };
        var names = all.Where(f => f.Name == name).ToList();
        byte[] encodedName = names.Count > 0 && random.Next(4) != 0
            ? Integer(pattern, prefix, names[random.Next(names.Count)].Index)
            : [(byte)pattern, .. Text(name)];
        if (pattern == 0x40)
        {
            var size = name.Length + value.Length + 32;
            Evict(_tableSize - size);
            if (size <= _tableSize)
            {
                Table.Insert(0, (name, value));
            }
        }

        return [.. encodedName, .. Text(value)];
    }

    private byte[] Text(string text)
    {
        var isHuffman = random.Next(2) == 0;
        var bytes = isHuffman ? Huffman(text) : Encoding.Latin1.GetBytes(text);
        return [.. Integer(isHuffman ? 0x80 : 0, 7, bytes.Length), .. bytes];
    }

    private void Evict(int size)
    {
        while (Table.Count > 0 && Table.Sum(f => f.Name.Length + f.Value.Length + 32) > size)
        {
            Table.RemoveAt(Table.Count - 1);
        }
    }
}
