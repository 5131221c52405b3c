using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Tests.Pipeline;

public sealed class MessageChecksTests
{
    private readonly DefaultHttpContext _context = new();

    public MessageChecksTests()
    {
        _context.Request.Method = "POST";
        _context.Request.Protocol = "HTTP/1.1";
        _context.Request.Host = new HostString("orders");
        _context.Features.Get<IHttpRequestFeature>()!.RawTarget = "/a";
    }

    [Fact]
    public void Check_PlainRequest_IsFine() => MessageChecks.Check(_context).ShouldBeNull();

    [Theory]
    [InlineData("http://orders@admin/a")]
    [InlineData("http://orders:80@admin?b")]
    public void Check_UserInformation_IsRefused(string target)
    {
        _context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;

        ShouldBeRefused("user information");
    }

    [Theory]
    [InlineData("/a@b")]
    [InlineData("http://orders/a@b")]
    [InlineData("http://orders?a@b")]
    public void Check_AnAtElsewhere_IsFine(string target)
    {
        _context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;

        MessageChecks.Check(_context).ShouldBeNull();
    }

    [Fact]
    public void Check_NoHost_IsRefused()
    {
        _context.Request.Host = default;

        ShouldBeRefused("host");
    }

    [Fact]
    public void Check_BothLengths_AreRefused()
    {
        // As Kestrel hands them on: it lets Transfer-Encoding win and renames the other.
        _context.Request.Headers.TransferEncoding = "chunked";
        _context.Request.Headers["X-Content-Length"] = "5";

        ShouldBeRefused("Content-Length");
    }

    [Theory]
    [InlineData("chunked", true)]
    [InlineData("Chunked", true)]
    [InlineData("gzip, chunked", false)]
    [InlineData("chunked, chunked", false)]
    [InlineData("chunked;q=1", false)]
    [InlineData("identity, chunked", false)]
    [InlineData("", false)]
    public void Check_TransferEncoding_IsChunkedAndNothingElse(string value, bool fine)
    {
        _context.Request.Headers.TransferEncoding = value;

        if (fine)
        {
            MessageChecks.Check(_context).ShouldBeNull();
        }
        else
        {
            ShouldBeRefused("Transfer-Encoding");
        }
    }

    [Fact]
    public void Check_TransferEncodingTwice_IsRefused()
    {
        _context.Request.Headers.TransferEncoding = new(["chunked", "chunked"]);

        ShouldBeRefused("Transfer-Encoding");
    }

    [Theory]
    [InlineData("HTTP/1.0")]
    [InlineData("HTTP/2")]
    public void Check_TransferEncodingInOtherVersions_IsRefused(string protocol)
    {
        _context.Request.Protocol = protocol;
        _context.Request.Headers.TransferEncoding = "chunked";

        ShouldBeRefused(protocol);
    }

    [Theory]
    [InlineData("/a b")]
    [InlineData("/a\tb")]
    [InlineData("/a\r\nX: y")]
    [InlineData("/a\0")]
    [InlineData("/caf\u00e9")]
    [InlineData("/a\u007f")]
    public void Check_TargetThatWouldEndARequestLine_IsRefused(string target)
    {
        _context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;

        ShouldBeRefused("target");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("/{a}|\"^`<>%zz?#~!")]
    [InlineData("http://orders/a")]
    public void Check_AnyOtherTarget_IsFine(string target)
    {
        _context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;

        MessageChecks.Check(_context).ShouldBeNull();
    }

    [Fact]
    public void Check_AsteriskTarget_IsRefused()
    {
        _context.Request.Method = "OPTIONS";
        _context.Features.Get<IHttpRequestFeature>()!.RawTarget = "*";

        ShouldBeRefused("*");
    }

    [Theory]
    [InlineData(false, null, false)]
    [InlineData(true, "websocket", true)]
    [InlineData(true, "connect-udp", false)]
    public void Check_Connect_OnlyAsWebSocket(bool extended, string? protocol, bool fine)
    {
        _context.Request.Method = "CONNECT";
        if (extended)
        {
            _context.Features.Set<IHttpExtendedConnectFeature>(new ExtendedConnect(protocol));
        }

        if (fine)
        {
            MessageChecks.Check(_context).ShouldBeNull();
        }
        else
        {
            ShouldBeRefused("CONNECT");
        }
    }

    [Theory]
    [InlineData("websocket", true)]
    [InlineData("WebSocket", true)]
    [InlineData("h2c", true)]
    [InlineData("tcp", false)]
    [InlineData("websocket, tcp", false)]
    public void Check_Upgrade_OnlyToWhatIsCarried(string protocol, bool fine)
    {
        _context.Request.Headers.Upgrade = protocol;
        _context.Features.Set<IHttpUpgradeFeature>(new Upgradable());

        if (fine)
        {
            MessageChecks.Check(_context).ShouldBeNull();
        }
        else
        {
            ShouldBeRefused("Upgrade");
        }
    }

    private void ShouldBeRefused(string about)
    {
        var error = MessageChecks.Check(_context).ShouldNotBeNull();
        (error.Reason, error.Source, error.Undelivered).ShouldBe((ErrorReason.ProtocolError, ErrorSource.Downstream, false));
        error.Detail.ShouldContain(about);
    }

    private sealed class ExtendedConnect(string? protocol) : IHttpExtendedConnectFeature
    {
        public bool IsExtendedConnect => true;

        public string? Protocol => protocol;

        public ValueTask<Stream> AcceptAsync() => throw new NotSupportedException();
    }

    private sealed class Upgradable : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => throw new NotSupportedException();
    }
}
