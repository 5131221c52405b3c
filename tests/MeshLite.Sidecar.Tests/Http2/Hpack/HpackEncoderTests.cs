using MeshLite.Sidecar.Http2.Hpack;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

public sealed class HpackEncoderTests
{
    [Theory]
    [InlineData(":method", "GET", "82")]
    [InlineData(":method", "POST", "83")]
    [InlineData(":path", "/", "84")]
    [InlineData(":path", "/a", "04022f61")]
    [InlineData(":scheme", "http", "86")]
    [InlineData(":scheme", "https", "87")]
    [InlineData(":status", "500", "8e")]
    [InlineData(":method", "get", "0203676574")]
    [InlineData("Accept-Encoding", "gzip, deflate", "90")]
    [InlineData("accept", "", "93")]
    [InlineData("User-Agent", "a", "0f2b0161")]
    [InlineData("Via", "\u00e9", "0f2d01e9")]
    [InlineData("X-ab", "", "0004782d616200")]
    [InlineData("TE", "trailers", "0002746508747261696c657273")]
    [InlineData("Cookie", "a", "1f110161")]
    [InlineData("cookie", "", "1f1100")]
    [InlineData("authorization", "a", "1f080161")]
    [InlineData("proxy-authorization", "a", "1f220161")]
    [InlineData("set-cookie", "a", "1f280161")]
    public void Write_Field_TakesTheShortestForm(string name, string value, string encoded) => Convert.ToHexStringLower(Fields.Encoded((name, value))).ShouldBe(encoded);

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":other")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("a\r\nb")]
    [InlineData("a\u00e9")]
    [InlineData("\u212aeep-alive")]
    public void Write_NameThatIsNoToken_IsRefused(string name) => Should.Throw<FormatException>(() => Fields.Encoded((name, "v"))).Message.ShouldContain(name);

    [Theory]
    [InlineData("secret\r")]
    [InlineData("secret\n")]
    [InlineData("secret\0")]
    [InlineData("secret\u0100")]
    public void Write_ValueNoFieldCanCarry_IsRefusedAndNotTold(string value)
    {
        var message = Should.Throw<FormatException>(() => Fields.Encoded(("x-name", value))).Message;
        message.ShouldContain("x-name");
        message.ShouldNotContain("secret");
    }

    [Fact]
    public async Task Write_AllocatesNothing()
    {
        var into = new byte[100];

        // What the runtime has not yet compiled for good may allocate.
        await Eventually.TrueAsync(() => Allocations.Of(() => Written(into)) == 0, "no allocation");

        static void Written(byte[] into)
        {
            HpackEncoder.Write(into, ":method", "GET");
            HpackEncoder.Write(into, "Content-Type", "application/json");
            HpackEncoder.Write(into, "Traceparent", "00-1-1-01");
            HpackEncoder.Write(into, "X-Something", "else");
        }
    }
}
