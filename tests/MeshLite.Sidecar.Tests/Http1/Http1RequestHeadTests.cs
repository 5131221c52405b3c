using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Tests.Http2;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A request's head, as it goes (RFC 9112 §3).</summary>
public sealed class Http1RequestHeadTests
{
    private static readonly UriCreationOptions AsSent = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly HttpRequestMessage _request = new(HttpMethod.Get, "http://10.0.0.1:8080/a?b=c");

    [Fact]
    public void Get_IsItsLineItsHostAndItsFields()
    {
        _request.Headers.TryAddWithoutValidation("X-One", "1");
        _request.Headers.TryAddWithoutValidation("HOST", "shop.example");
        _request.Headers.TryAddWithoutValidation("x-two", "caf\u00e9 \t\u00ff");

        Heads.Written(_request, out var length).ShouldBe("GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-One: 1\r\nx-two: caf\u00e9 \t\u00ff\r\n\r\n");

        length.ShouldBe(0);
    }

    [Fact]
    public void Get_WithoutHost_NamesTheAddress() => Heads.Written(_request, out _).ShouldBe("GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n\r\n");

    [Fact]
    public void Fields_OfSeveralValues_AreSeveralLines_CookiesOne()
    {
        _request.Headers.TryAddWithoutValidation("X-Two", ["a", "", "b, c"]);
        _request.Headers.TryAddWithoutValidation("cookie", ["a=1", "b=2; c=3"]); // as HTTP/2 may carry it

        Heads.Written(_request, out _).ShouldEndWith("\r\nX-Two: a\r\nX-Two: \r\nX-Two: b, c\r\ncookie: a=1; b=2; c=3\r\n\r\n");
    }

    [Fact]
    public void Fields_ThatFrameOrAreOfHttp2_AreLeftOut()
    {
        _request.Headers.TryAddWithoutValidation("transfer-encoding", "gzip, chunked");
        _request.Headers.Protocol = "websocket";
        _request.Headers.TryAddWithoutValidation("x-a", "1");

        Heads.Written(_request, out _).ShouldBe("GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nx-a: 1\r\n\r\n");
    }

    /// <summary>RFC 9110 §8.6.</summary>
    [Theory]
    [InlineData("POST", true)]
    [InlineData("PUT", true)]
    [InlineData("PATCH", true)]
    [InlineData("DELETE", false)]
    [InlineData("GET", false)]
    public void NoContent_SaysSo_WhereAMethodMeansOne(string method, bool says)
    {
        _request.Method = new HttpMethod(method);

        Heads.Written(_request, out var length).Contains("\r\nContent-Length: 0\r\n").ShouldBe(says);

        length.ShouldBe(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Content_OfKnownLength_SaysItOnce(int length)
    {
        _request.Method = HttpMethod.Post;
        _request.Content = WrittenContent.Of(length, isDeclared: true);
        _request.Content.Headers.TryAddWithoutValidation("Content-Type", "text/plain");

        Heads.Written(_request, out var written).ShouldBe($"POST /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");

        written.ShouldBe(length);
    }

    [Fact]
    public void Content_OfUnknownLength_IsChunked()
    {
        _request.Content = WrittenContent.Of(5, isDeclared: false);
        _request.Content.Headers.TryAddWithoutValidation("Content-Type", "text/plain");

        Heads.Written(_request, out var length).ShouldBe("GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");

        length.ShouldBe(Http1RequestHead.Chunked);
    }

    /// <summary>What frames the body is said once, and by whoever writes it: two readers could take two lengths for two requests.</summary>
    [Theory]
    [InlineData("7", "Content-Length: 7")]
    [InlineData("007", "Content-Length: 7")]
    [InlineData("5x", "Transfer-Encoding: chunked")]
    [InlineData("+5", "Transfer-Encoding: chunked")]
    [InlineData("5, 7", "Transfer-Encoding: chunked")]
    [InlineData("", "Transfer-Encoding: chunked")]
    public void ContentLength_OfTheCaller_IsNotWrittenAsItIs(string said, string expected)
    {
        _request.Content = WrittenContent.Of(7, isDeclared: false);
        _request.Content.Headers.TryAddWithoutValidation("Content-Length", said);

        Heads.Written(_request, out var length).ShouldBe($"GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n{expected}\r\n\r\n");

        length.ShouldBe(expected.EndsWith('7') ? 7 : Http1RequestHead.Chunked);
    }

    [Fact]
    public void ContentLength_OfTheCallerTwice_IsWrittenOnceAtMost()
    {
        _request.Content = WrittenContent.Of(7, isDeclared: false);
        _request.Content.Headers.TryAddWithoutValidation("Content-Length", ["7", "8"]);

        var lines = Heads.Written(_request, out var length).Split("\r\n");

        lines.Count(l => l.StartsWith("Content-Length", StringComparison.Ordinal) || l.StartsWith("Transfer-Encoding", StringComparison.Ordinal)).ShouldBe(1);
        lines.ShouldContain(length == Http1RequestHead.Chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {length}");
    }

    [Theory]
    [InlineData("a\rsecret")]
    [InlineData("a\nsecret")]
    [InlineData("a\0secret")]
    [InlineData("a\u0100secret")]
    [InlineData("a\u010asecret")] // LF, were it cut to a byte
    public void Value_ThatCannotBeWritten_IsNamedAndNotTold(string value)
    {
        foreach (var name in (string[])["x-bad", "Host", "Content-Type", "Cookie"])
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "http://example.test/") { Content = WrittenContent.Of(1, isDeclared: true) };
            (name == "Content-Type" ? request.Content.Headers : (System.Net.Http.Headers.HttpHeaders)request.Headers).TryAddWithoutValidation(name, value);

            var message = Should.Throw<FormatException>(() => Heads.Written(request, out _)).Message;

            message.ShouldContain($"'{name}'");
            message.ShouldNotContain("secret");
        }
    }

    /// <summary>Readers end the target at any white space that they know of (RFC 9112 §3).</summary>
    [Theory]
    [InlineData("/a\r\nsecret")]
    [InlineData("/a\nsecret")]
    [InlineData("/a secret")]
    [InlineData("/a\tsecret")]
    [InlineData("/a\u000bsecret")]
    [InlineData("/a\u000csecret")]
    [InlineData("/a\0secret")]
    [InlineData("/a\u007fsecret")]
    [InlineData("/a\u0085secret")]
    [InlineData("/a\u00a0secret")]
    [InlineData("/a?\u00e9secret")]
    public void Target_ThatCannotBeWritten_IsNotTold(string target)
    {
        _request.RequestUri = new Uri("http://example.test" + target, AsSent);

        var message = Should.Throw<FormatException>(() => Heads.Written(_request, out _)).Message;

        message.ShouldContain("'target'");
        message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/%0d%0a?a=%00")]
    [InlineData("/a/../b//c?d#e{}|\\^\"<>`")]
    public void Target_IsAsItWasSent(string target)
    {
        _request.RequestUri = new Uri("http://example.test" + target, AsSent);

        Heads.Written(_request, out _).ShouldStartWith($"GET {target} HTTP/1.1\r\n");
    }
}
