using MeshLite.Sidecar.Http2.Hpack;
using MeshLite.Sidecar.Tests.Http2.Hpack;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.Sidecar.Tests.Fuzz;

/// <summary>What reads the header blocks of a peer's HTTP/2 connection.</summary>
public sealed class HeaderBlockFuzzTests
{
    private static readonly string[] Words = ["\x20", "?\x61", "@\x01a\x01b", "~\x01b", "content-length", ":status", "\x00\x01a\x7f", "\x0f\x0d\x01\x31"];

    /// <summary>Twice on one connection: what the first leaves in the table, the second may name.</summary>
    [Fact]
    public void HpackDecoder_AnyBytes_GivesFieldsOrTheOneException() => new Fuzzer("header-blocks", Words) { AllocationPerByte = 40 }.Run((byte[] block) =>
    {
        var decoder = new HpackDecoder(MaxTableSize);
        try
        {
            for (var times = 0; times < 2; times++)
            {
                var letters = default(Letters);
                decoder.Decode(block, ref letters);
                letters.Fields.ShouldBeLessThanOrEqualTo(block.Length);
            }
        }
        catch (HpackException e)
        {
            e.Message.ShouldNotBeEmpty();
        }

        decoder.Table.MaxSize.ShouldBeLessThanOrEqualTo(MaxTableSize);
        decoder.Table.Size.ShouldBeLessThanOrEqualTo(decoder.Table.MaxSize);
        var size = 0;
        for (var i = 0; i < decoder.Table.Count; i++)
        {
            size += decoder.Table[i].Name.Length + decoder.Table[i].Value.Length + 32;
        }

        decoder.Table.Size.ShouldBe(size);
    });

    /// <summary>What was read, written by the reference encoder, is read again.</summary>
    [Fact]
    public void HpackDecoder_Fields_AreReadAgain() => new Fuzzer("header-blocks", Words) { Iterations = 1_000, AllocationPerByte = int.MaxValue }.Run((byte[] block) =>
    {
        var fields = new Fields();
        try
        {
            new HpackDecoder(MaxTableSize).Decode(block, ref fields);
        }
        catch (HpackException)
        {
            // Those that came before.
        }

        // The reference is slow.
        var few = fields.List.Take(50).ToList();
        Fields.Of(new HpackDecoder(MaxTableSize), new ReferenceEncoder(new Random(block.Length), MaxTableSize).Encode(few)).ShouldBe(few);
    });

    private const int MaxTableSize = 256;

    private struct Letters : IFieldSink
    {
        public int Fields;

        public void OnField(string name, string value) => Fields += name.Length + value.Length > 100_000 ? throw new InvalidOperationException("longer than any block") : 1;
    }
}
