using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

public sealed class HpackPropertyTests
{
    [Fact]
    public void Encoder_AnyFields_AreDecodedAgainInLowerCase() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var decoder = new HpackDecoder(4096);
        for (var blocks = random.Next(1, 4); blocks > 0; blocks--)
        {
            var fields = RandomFields.Of(random, without: "\r\n\0");

            Fields.Of(decoder, Fields.Encoded(fields)).ShouldBe(fields.Select(f => (f.Name.ToLowerInvariant(), f.Value)));

            decoder.Table.Count.ShouldBe(0);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Decoder_EverythingAPeerMayWrite_IsReadAndTheTablesAgree() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var maxTableSize = random.Next(3) switch { 0 => random.Next(300), 1 => 16384, _ => 4096 };
        var peer = new ReferenceEncoder(random, maxTableSize);
        var decoder = new HpackDecoder(maxTableSize);
        for (var blocks = random.Next(1, 12); blocks > 0; blocks--)
        {
            var fields = RandomFields.Of(random, without: "");

            Fields.Of(decoder, peer.Encode(fields)).ShouldBe(fields);

            Enumerable.Range(0, decoder.Table.Count).Select(i => decoder.Table[i]).ShouldBe(peer.Table);
            decoder.Table.Size.ShouldBe(peer.Table.Sum(f => f.Name.Length + f.Value.Length + 32));
        }
    }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(500));

    /// <summary>A block cut short gives some of its fields or the one exception, never others.</summary>
    [Fact]
    public void Decoder_BlockThatEndsEarly_GivesItsFirstFields() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var fields = RandomFields.Of(random, without: "");
        var block = new ReferenceEncoder(random, 4096).Encode(fields);
        var read = new Fields();
        try
        {
            new HpackDecoder(4096).Decode(block.AsSpan(0, random.Next(block.Length + 1)), ref read);
        }
        catch (HpackException)
        {
        }

        read.List.ShouldBe(fields.Take(read.List.Count));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Huffman_EachPairOfSymbols_IsRead() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var first = (char)(seed % 256);
        var text = string.Concat(Enumerable.Range(0, 256).Select(second => $"{first}{(char)second}"));
        var encoded = ReferenceEncoder.Huffman(text);
        var into = new byte[Huffman.MaxDecodedLength(encoded.Length)];

        System.Text.Encoding.Latin1.GetString(into, 0, Huffman.Decode(encoded, into)).ShouldBe(text);
    }).QuickCheckThrowOnFailure();
}
