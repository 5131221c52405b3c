using System.Text;
using MeshLite.Sidecar.Http2.Hpack;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

public sealed class HpackDecoderTests
{
    [Theory]
    [InlineData("80", "index 0")] // indexed
    [InlineData("be", "index 62")] // beyond the static table, the dynamic one is empty
    [InlineData("ff8001", "index 255")]
    [InlineData("7e0161", "index 62")] // as a name
    [InlineData("0f2f0161", "index 62")]
    [InlineData("1f2f0161", "index 62")]
    [InlineData("ff80ffffff07", "index 2147483647")] // the largest integer
    [InlineData("ff81ffffff07", "too large")]
    [InlineData("ffffffffff7f", "too large")]
    [InlineData("ff808080808000", "too long")]
    [InlineData("ff8080808080", "too long")]
    [InlineData("ff80808080", "ends within")]
    [InlineData("ff", "ends within")]
    [InlineData("40", "ends within")]
    [InlineData("4001", "ends within")]
    [InlineData("400161", "ends within")]
    [InlineData("40016101", "ends within")]
    [InlineData("4003616201", "ends within")] // a name longer than what is left
    [InlineData("008361", "ends within")]
    [InlineData("58", "ends within")]
    [InlineData("587fffffff7f61", "ends within")]
    [InlineData("3f", "ends within")]
    [InlineData("3fe21f", "4097 bytes")] // a table larger than we allow
    [InlineData("3fe11f3fe21f", "4097 bytes")]
    [InlineData("8220", "within a block")]
    [InlineData("00016101623f00", "within a block")]
    public void Decode_BlockThatIsNone_IsRefused(string block, string message) =>
        Should.Throw<HpackException>(() => Fields.Of(new HpackDecoder(4096), Convert.FromHexString(block))).Message.ShouldContain(message);

    /// <summary>§5.2: as the value of a field; the bits of the Huffman code.</summary>
    [Theory]
    [InlineData("11111111")] // padding of eight bits
    [InlineData("00011111 11111111")] // of eleven behind an 'a'
    [InlineData("00011000")] // not all ones
    [InlineData("00011110")]
    [InlineData("00011011")]
    [InlineData("00000000 00000000")] // three zeros and one bit that is no one
    [InlineData("11111111 11111111 11111111 11111111")] // the end of string, and padding
    [InlineData("00011111 11111111 11111111 11111111 11111111")] // the same behind an 'a'
    [InlineData("11111111 11111111 11111111 11111100 00011000 11111111")] // and before one
    [InlineData("11111111 11111111 11111111 11111000")] // a symbol of 30 bits, and padding of zeros
    public void Decode_HuffmanThatIsNone_IsRefused(string bits)
    {
        var bytes = ReferenceEncoder.Bytes(bits.Replace(" ", "", StringComparison.Ordinal));
        byte[] block = [0x00, 1, (byte)'a', .. ReferenceEncoder.Integer(0x80, 7, bytes.Length), .. bytes];
        Should.Throw<HpackException>(() => Fields.Of(new HpackDecoder(4096), block)).Message.ShouldContain("Huffman");
    }

    /// <summary>Each length of padding, none to seven.</summary>
    [Fact]
    public void Decode_HuffmanWithPadding_IsRead()
    {
        var paddings = new HashSet<int>();
        foreach (var text in new[] { "", "a", "aa", "aaa", "aaaa", "aaaaa", "aaaaaa", "aaaaaaa", "aaaaaaaa" })
        {
            var bytes = ReferenceEncoder.Huffman(text);
            paddings.Add((bytes.Length * 8) - (text.Length * 5));
            Fields.Of(new HpackDecoder(4096), [0x00, 1, (byte)'a', (byte)(0x80 | bytes.Length), .. bytes]).ShouldBe([("a", text)]);
        }

        paddings.Count.ShouldBe(8);
    }

    [Fact]
    public void Decode_NoBytes_IsNoField() => Fields.Of(new HpackDecoder(4096), []).ShouldBeEmpty();

    [Theory]
    [InlineData("Upper")]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":unknown")]
    [InlineData("a b")]
    [InlineData("\u00e9\0\r\n")]
    public void Decode_NameThatIsNoToken_IsDeliveredAsItIs(string name) =>
        Fields.Of(new HpackDecoder(4096), [0x00, (byte)name.Length, .. Encoding.Latin1.GetBytes(name), 1, (byte)'v']).ShouldBe([(name, "v")]);

    [Fact]
    public void Decode_EntryLargerThanTheTable_EmptiesIt()
    {
        var decoder = new HpackDecoder(64);
        Fields.Of(decoder, [0x40, 1, (byte)'a', 1, (byte)'b']);
        decoder.Table.Size.ShouldBe(34);

        // The name of the one that goes.
        Fields.Of(decoder, [0x7e, 32, .. new byte[32]]).ShouldBe([("a", new string('\0', 32))]);

        decoder.Table.Size.ShouldBe(0);
        decoder.Table.Count.ShouldBe(0);
        Should.Throw<HpackException>(() => Fields.Of(decoder, [0xbe]));
    }

    [Fact]
    public void Decode_EntryAsLargeAsTheTable_Stays()
    {
        var decoder = new HpackDecoder(64);
        Fields.Of(decoder, [0x40, 1, (byte)'a', 31, .. new byte[31]]);
        decoder.Table.Size.ShouldBe(64);
    }

    /// <summary>§4.2: the smallest in between, then the one that stays.</summary>
    [Fact]
    public void Decode_TableMadeSmallAndLargeAgain_IsEmpty()
    {
        var decoder = new HpackDecoder(4096);
        Fields.Of(decoder, [0x40, 1, (byte)'a', 1, (byte)'b']);
        Fields.Of(decoder, [0x20, 0x3f, 0xe1, 0x1f, 0x82]).ShouldBe([(":method", "GET")]);
        decoder.Table.Count.ShouldBe(0);
        decoder.Table.MaxSize.ShouldBe(4096);
    }

    [Fact]
    public void Decode_NoTableAllowed_ReadsWhatIsToBeIndexed()
    {
        var decoder = new HpackDecoder(0);
        Fields.Of(decoder, [0x20, 0x40, 1, (byte)'a', 1, (byte)'b']).ShouldBe([("a", "b")]);
        decoder.Table.Count.ShouldBe(0);
    }

    [Fact]
    public void Decode_KnownNamesAndNumbers_AreOneStringEach()
    {
        byte[] block = Fields.Encoded((":status", "503"), ("grpc-status", ""), ("meshlite-error", ""), ("content-length", "17"));
        var first = Fields.Of(new HpackDecoder(4096), block);
        var second = Fields.Of(new HpackDecoder(4096), block);
        for (var i = 0; i < first.Count; i++)
        {
            ReferenceEquals(first[i].Name, second[i].Name).ShouldBeTrue();
            ReferenceEquals(first[i].Value, second[i].Value).ShouldBeTrue();
        }
    }

    /// <summary>Each name that is known is found by its letters alone, as it is and in upper case.</summary>
    [Fact]
    public void KnownNames_OfTheStaticTable_AreFound()
    {
        for (var index = 1; index <= StaticTable.Count; index++)
        {
            var name = StaticTable.At(index).Name;
            KnownNames.Find(Encoding.ASCII.GetBytes(name)).ShouldBe(name);
            KnownNames.Find(Encoding.ASCII.GetBytes(name.ToUpperInvariant())).ShouldBeNull();
            var known = KnownNames.Find(name.ToUpperInvariant()).ShouldNotBeNull();
            StaticTable.At(known.StaticIndex).Name.ShouldBe(name);
            (known.StaticIndex == 1 || StaticTable.At(known.StaticIndex - 1).Name != name).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task Decode_ResponseAsItsPeerWritesItAgain_AllocatesNothing()
    {
        var decoder = new HpackDecoder(4096);
        Fields.Of(decoder, [0x61, 2, (byte)'d', (byte)'1', 0x5f, 1, (byte)'t', 0x40, 3, (byte)'x', (byte)'-', (byte)'a', 1, (byte)'v']);
        byte[] block = [0x88, 0xc0, 0xbf, 0xbe, 0x0f, 0x0d, 2, (byte)'1', (byte)'7'];

        // What the runtime has not yet compiled for good may allocate.
        await Eventually.TrueAsync(() => Allocations.Of(() => Decoded(decoder, block)) == 0, "no allocation");

        static void Decoded(HpackDecoder decoder, byte[] block)
        {
            var count = default(FieldCount);
            decoder.Decode(block, ref count);
            if (count.Count != 5)
            {
                throw new InvalidOperationException($"{count.Count} fields");
            }
        }
    }

    private ref struct FieldCount : IFieldSink
    {
        public int Count;

        public void OnField(string name, string value) => Count++;
    }
}
