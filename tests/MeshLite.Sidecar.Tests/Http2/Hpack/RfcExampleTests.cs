using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

/// <summary>RFC 7541 Appendix C, with its sections' numbers.</summary>
public sealed class RfcExampleTests
{
    private static readonly string[] FirstRequest = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    private static readonly string[] SecondRequest = [.. FirstRequest, "cache-control: no-cache"];
    private static readonly string[] ThirdRequest = [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"];

    private const string Cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

    private static readonly string[] FirstResponse =
        [":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"];

    private static readonly string[] SecondResponse = [":status: 307", .. FirstResponse[1..]];

    private static readonly string[] ThirdResponse =
    [
        ":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", "location: https://www.example.com", "content-encoding: gzip", $"set-cookie: {Cookie}",
    ];

    /// <summary>C.1, as lengths of strings, which have seven bits.</summary>
    [Theory]
    [InlineData(42, "2a")]
    [InlineData(126, "7e")]
    [InlineData(127, "7f00")]
    [InlineData(1337, "7fba09")]
    public void Integers_BothWays(int length, string encoded)
    {
        var value = new string('v', length);
        var block = Fields.Encoded(("x", value));
        Convert.ToHexStringLower(block).ShouldStartWith("000178" + encoded + "76");
        Fields.Of(new HpackDecoder(4096), block).ShouldBe([("x", value)]);
    }

    [Fact]
    public void C2_1_LiteralWithIndexing() =>
        Run(4096, ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", ["custom-key: custom-header"], ["custom-key: custom-header"], 55));

    [Fact]
    public void C2_2_LiteralWithoutIndexing() => Run(4096, ("040c2f73616d706c652f70617468", [":path: /sample/path"], [], 0));

    [Fact]
    public void C2_3_LiteralNeverIndexed() => Run(4096, ("100870617373776f726406736563726574", ["password: secret"], [], 0));

    [Fact]
    public void C2_4_Indexed() => Run(4096, ("82", [":method: GET"], [], 0));

    [Fact]
    public void C3_RequestsWithoutHuffman() => Run(
        4096,
        ("828684410f7777772e6578616d706c652e636f6d", FirstRequest, [":authority: www.example.com"], 57),
        ("828684be58086e6f2d6361636865", SecondRequest, ["cache-control: no-cache", ":authority: www.example.com"], 110),
        ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", ThirdRequest, ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"], 164));

    [Fact]
    public void C4_RequestsWithHuffman() => Run(
        4096,
        ("828684418cf1e3c2e5f23a6ba0ab90f4ff", FirstRequest, [":authority: www.example.com"], 57),
        ("828684be5886a8eb10649cbf", SecondRequest, ["cache-control: no-cache", ":authority: www.example.com"], 110),
        ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", ThirdRequest, ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"], 164));

    [Fact]
    public void C5_ResponsesWithoutHuffman() => Run(
        256,
        (
            "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
            FirstResponse,
            [FirstResponse[3], FirstResponse[2], FirstResponse[1], FirstResponse[0]],
            222),
        ("4803333037c1c0bf", SecondResponse, [SecondResponse[0], FirstResponse[3], FirstResponse[2], FirstResponse[1]], 222),
        (
            "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
            ThirdResponse,
            [ThirdResponse[5], ThirdResponse[4], ThirdResponse[2]],
            215));

    [Fact]
    public void C6_ResponsesWithHuffman() => Run(
        256,
        (
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
            FirstResponse,
            [FirstResponse[3], FirstResponse[2], FirstResponse[1], FirstResponse[0]],
            222),
        ("4883640effc1c0bf", SecondResponse, [SecondResponse[0], FirstResponse[3], FirstResponse[2], FirstResponse[1]], 222),
        (
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            ThirdResponse,
            [ThirdResponse[5], ThirdResponse[4], ThirdResponse[2]],
            215));

    private static void Run(int tableSize, params (string Block, string[] Fields, string[] Table, int TableSize)[] blocks)
    {
        var decoder = new HpackDecoder(tableSize);
        foreach (var (block, fields, table, size) in blocks)
        {
            Fields.Lines(Fields.Of(decoder, Convert.FromHexString(block))).ShouldBe(fields);
            Fields.Lines(Enumerable.Range(0, decoder.Table.Count).Select(i => decoder.Table[i])).ShouldBe(table);
            decoder.Table.Size.ShouldBe(size);
        }
    }
}
