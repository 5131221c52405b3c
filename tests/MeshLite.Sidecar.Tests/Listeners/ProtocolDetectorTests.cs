using System.Security.Authentication;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Tests.Listeners;

public sealed class ProtocolDetectorTests
{
    private const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// <summary>What a connection may begin with, and what it speaks.</summary>
    public static TheoryData<string, string> Beginnings => new()
    {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "Http1" },
        { "GET / HTTP/1.0\r\n\r\n", "Http1" },
        { "GET / HTTP/1.9\r\n\r\n", "Http1" },
        { "GET / HTTP/1.1\n", "Http1" },
        { "M-SEARCH * HTTP/1.1\r\n", "Http1" },
        { "VERSION-CONTROL /a b HTTP/1.1\r\n", "Http1" },
        { "PRI * HTTP/1.1\r\n", "Http1" },
        { "CONNECT orders:80 HTTP/1.1\r\n", "Connect" },
        { "CONNECTED / HTTP/1.1\r\n", "Http1" },
        { "connect orders:80 HTTP/1.1\r\n", "Http1" },
        { Preface, "Http2" },
        { Preface + "\0\0\0\x4\0\0\0\0\0", "Http2" },
        { "GET / HTTP/2.0\r\n", "Opaque" },
        { "GET / HTTP/0.9\r\n", "Opaque" },
        { "GET /\r\n", "Opaque" },
        { "GET\t/\tHTTP/1.1\r\n", "Opaque" },
        { " GET / HTTP/1.1\r\n", "Opaque" },
        { "\r\nGET / HTTP/1.1\r\n", "Opaque" },
        { "THIS-IS-NO-METHOD-AT-ALL-X / HTTP/1.1\r\n", "Opaque" },
        { "SSH-2.0-OpenSSH_9.6\r\n", "Opaque" },
        { "EHLO client.example\r\n", "Opaque" },
        { "\0\0\0\x10garbage", "Opaque" },
        { "\x16\x03\x01\x00\x01\x00", "Opaque" },
        { "\x16\x04\x01\x02\x00", "Opaque" },
        { "\x15\x03\x01\x00\x02\x02\x28", "Opaque" },
        { "GET", "Undecided" },
        { "GET /a/long/path", "Undecided" },
        { "GET / HTTP/1.1", "Undecided" },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", "Undecided" },
        { "\x16\x03\x01\x02\x00\x01", "Undecided" },
        { "", "Undecided" },
    };

    [Theory]
    [MemberData(nameof(Beginnings))]
    public void Detect_Beginning_IsToldApart(string bytes, string protocol) =>
        ProtocolDetector.Detect(Encoding.Latin1.GetBytes(bytes)).ToString().ShouldBe(protocol);

    [Theory]
    [MemberData(nameof(Beginnings))]
    public void Detect_AnyPrefix_IsUndecidedOrTheFinalAnswer(string bytes, string protocol) =>
        ShouldAgreeWithItsPrefixes(Encoding.Latin1.GetBytes(bytes), Enum.Parse<ConnectionProtocol>(protocol));

    [Theory]
    [InlineData("MeshTls", SslProtocols.Tls13, "meshlite-http/1")]
    [InlineData("MeshTls", SslProtocols.Tls13, "meshlite-tcp/1")]
    [InlineData("MeshTls", SslProtocols.Tls12, "meshlite-http/1")]
    [InlineData("MeshTls", SslProtocols.Tls12 | SslProtocols.Tls13, "h2", "meshlite-http/2")]
    [InlineData("Tls", SslProtocols.Tls13, "h2", "http/1.1")]
    [InlineData("Tls", SslProtocols.Tls12, "xmeshlite-http/1")]
    [InlineData("Tls", SslProtocols.Tls12 | SslProtocols.Tls13)]
    public async Task Detect_ClientHello_IsTheMeshsByItsAlpn(string protocol, SslProtocols versions, params string[] alpn)
    {
        var hello = await ClientHellos.CaptureAsync(versions, alpn);

        ProtocolDetector.Detect(hello).ToString().ShouldBe(protocol);
        ShouldAgreeWithItsPrefixes(hello, Enum.Parse<ConnectionProtocol>(protocol));
    }

    [Fact]
    public void Detect_MethodOfAnyLength_IsDecidedByTheLongestMethod()
    {
        var letters = Encoding.ASCII.GetBytes(new string('A', 200));

        for (var length = 1; length <= letters.Length; length++)
        {
            ProtocolDetector.Detect(letters.AsSpan(0, length)).ShouldBe(length <= 24 ? ConnectionProtocol.Undecided : ConnectionProtocol.Opaque);
        }
    }

    [Fact]
    public void Detect_TargetThatNeverEnds_GoesToTheHandlerThatKnowsTheLimit()
    {
        var line = Encoding.ASCII.GetBytes("GET /" + new string('a', ProtocolDetector.MaxPeekBytes));

        ProtocolDetector.Detect(line.AsSpan(0, ProtocolDetector.MaxPeekBytes - 1)).ShouldBe(ConnectionProtocol.Undecided);
        ProtocolDetector.Detect(line.AsSpan(0, ProtocolDetector.MaxPeekBytes)).ShouldBe(ConnectionProtocol.Http1);
    }

    [Fact]
    public void Detect_ArbitraryBytes_NeverThrowsAndNeverChangesItsMind() => Prop.ForAll(Bytes().ToArbitrary(), bytes =>
        ShouldAgreeWithItsPrefixes(bytes, ProtocolDetector.Detect(bytes))).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Detect_DamagedClientHello_NeverThrows()
    {
        var hello = await ClientHellos.CaptureAsync(SslProtocols.Tls13, "meshlite-http/1");
        var damage =
            from position in Gen.Choose(0, hello.Length - 1)
            from value in Gen.Choose(0, 255)
            from cut in Gen.Choose(1, hello.Length)
            select (position, (byte)value, cut);

        Prop.ForAll(damage.ToArbitrary(), d =>
        {
            var damaged = hello.ToArray();
            damaged[d.position] = d.Item2;
            ProtocolDetector.Detect(damaged.AsSpan(0, d.cut)).ShouldNotBe(ConnectionProtocol.Connect);
        }).QuickCheckThrowOnFailure();
    }

    // Noise alone would hardly ever get past the first byte: half of it begins like something.
    private static Gen<byte[]> Bytes()
    {
        var noise = Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf();
        var starts = Gen.Elements("", "", "GET ", "CONNECT a", "PRI * HTTP/2.0\r\n", "\x16\x03\x01\x00\x40\x01\x00", "GET / HTTP/1.1\r\n", "POST ");
        return from start in starts
               from rest in noise
               select (byte[])[.. Encoding.Latin1.GetBytes(start), .. rest];
    }

    private static void ShouldAgreeWithItsPrefixes(byte[] bytes, ConnectionProtocol final)
    {
        var decided = ConnectionProtocol.Undecided;
        for (var length = 0; length <= bytes.Length; length++)
        {
            var seen = ProtocolDetector.Detect(bytes.AsSpan(0, length));
            if (decided != ConnectionProtocol.Undecided)
            {
                seen.ShouldBe(decided, $"after {length} of {bytes.Length} bytes");
            }

            decided = seen;
        }

        decided.ShouldBe(final);
    }
}
