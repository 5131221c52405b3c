using System.Security.Authentication;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Tests.Listeners;

public sealed class ClientHelloTests
{
    [Fact]
    public async Task Parse_EachPrefix_IsIncompleteUntilTheRecordIsWhole()
    {
        var hello = await ClientHellos.CaptureAsync(SslProtocols.Tls13, "meshlite-http/1");

        for (var length = 0; length < hello.Length; length++)
        {
            ClientHello.Parse(hello.AsSpan(0, length), out _).ShouldBe(ClientHelloResult.Incomplete);
        }

        ClientHello.Parse(hello, out var parsed).ShouldBe(ClientHelloResult.Parsed);
        parsed.ShouldBe(new ClientHello(OffersMesh: true, "orders.shop.svc.cluster.local"));
    }

    [Fact]
    public async Task Parse_BytesBehindTheRecord_AreNotLookedAt()
    {
        var hello = await ClientHellos.CaptureAsync(SslProtocols.Tls13, "h2");

        ClientHello.Parse([.. hello, .. "meshlite-http/1"u8], out var parsed).ShouldBe(ClientHelloResult.Parsed);

        parsed.OffersMesh.ShouldBeFalse();
    }

    [Theory]
    [InlineData("no extensions", "")]
    [InlineData("an empty list of extensions", "0000")]
    public void Parse_WithoutExtensions_IsAHelloThatOffersNothing(string why, string extensions)
    {
        ClientHello.Parse(Hello(Convert.FromHexString(extensions)), out var parsed).ShouldBe(ClientHelloResult.Parsed, why);

        parsed.OffersMesh.ShouldBeFalse();
    }

    [Theory]
    [InlineData("extensions longer than the record", "FFFF")]
    [InlineData("an extension longer than the list", "0004" + "0010" + "0009")]
    [InlineData("half an extension", "0002" + "0010")]
    [InlineData("a server name without a list", "0004" + "0000" + "0000")]
    [InlineData("a server name longer than the list", "0009" + "0000" + "0005" + "0003" + "000002")]
    [InlineData("two server names", "000F" + "0000" + "000B" + "0009" + "00000161" + "0000026162")]
    [InlineData("an empty server name", "0009" + "0000" + "0005" + "0003" + "000000")]
    [InlineData("a server name that is no host name", "000A" + "0000" + "0006" + "0004" + "01000161")]
    [InlineData("a server name that is not ASCII", "000A" + "0000" + "0006" + "0004" + "000001E4")]
    [InlineData("a server name with a NUL", "000A" + "0000" + "0006" + "0004" + "00000100")]
    [InlineData("a server name with a space", "000A" + "0000" + "0006" + "0004" + "00000120")]
    [InlineData("a server name, and once more", "0014" + "0000" + "0006" + "0004" + "00000161" + "0000" + "0006" + "0004" + "00000162")]
    [InlineData("ALPN, and once more", "0012" + "0010" + "0005" + "0003" + "026832" + "0010" + "0005" + "0003" + "026832")]
    [InlineData("ALPN without a list", "0004" + "0010" + "0000")]
    [InlineData("ALPN whose list is longer than it", "0006" + "0010" + "0002" + "0009")]
    [InlineData("ALPN whose name is longer than the list", "0008" + "0010" + "0004" + "0002" + "0961")]
    public void Parse_LengthsThatDoNotFit_IsMalformed(string why, string extensions) =>
        (ClientHello.Parse(Hello(Convert.FromHexString(extensions)), out var hello), hello).ShouldBe((ClientHelloResult.Malformed, default), why);

    [Theory]
    [InlineData("0010" + "0012" + "0010" + "0F6D6573686C6974652D687474702F31", true)]
    [InlineData("0010" + "0005" + "0003" + "026832", false)]
    [InlineData("0017" + "0000", false)]
    public void Parse_Extensions_AreReadByType(string extension, bool offersMesh)
    {
        var body = Convert.FromHexString(extension);

        ClientHello.Parse(Hello([(byte)(body.Length >> 8), (byte)body.Length, .. body]), out var parsed).ShouldBe(ClientHelloResult.Parsed);

        parsed.OffersMesh.ShouldBe(offersMesh);
    }

    /// <summary>A record with a ClientHello of one cipher suite (RFC 8446 §4.1.2), then these bytes.</summary>
    private static byte[] Hello(byte[] extensions)
    {
        byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, .. extensions];
        byte[] handshake = [1, 0, (byte)(body.Length >> 8), (byte)body.Length, .. body];
        return [22, 3, 1, (byte)(handshake.Length >> 8), (byte)handshake.Length, .. handshake];
    }
}
