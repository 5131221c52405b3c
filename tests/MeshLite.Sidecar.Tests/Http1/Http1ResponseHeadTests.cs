using System.Net;
using MeshLite.Sidecar.Http1;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A response's head, as it comes (RFC 9112 §4, §5).</summary>
public sealed class Http1ResponseHeadTests
{
    private const string StatusLine = "a status line";
    private const string Ok = "HTTP/1.1 200 OK\r\n";

    private static readonly Dictionary<string, (string Head, string Says)> Malformed = new()
    {
        ["nothing but an empty line"] = ("\r\n", StatusLine),
        ["another protocol"] = ("ICY 200 OK\r\n\r\n", StatusLine),
        ["lower-case protocol"] = ("http/1.1 200 OK\r\n\r\n", StatusLine),
        ["HTTP/2"] = ("HTTP/2.0 200 OK\r\n\r\n", StatusLine),
        ["no minor version"] = ("HTTP/1 200 OK\r\n\r\n", StatusLine),
        ["minor version that is no digit"] = ("HTTP/1.x 200 OK\r\n\r\n", StatusLine),
        ["minor version of two digits"] = ("HTTP/1.10 200 OK\r\n\r\n", StatusLine),
        ["a tab before the status"] = ("HTTP/1.1\t200 OK\r\n\r\n", StatusLine),
        ["two blanks before the status"] = ("HTTP/1.1  200 OK\r\n\r\n", StatusLine),
        ["blanks before it all"] = (" HTTP/1.1 200 OK\r\n\r\n", StatusLine),
        ["status of two digits"] = ("HTTP/1.1 20 OK\r\n\r\n", StatusLine),
        ["status of four digits"] = ("HTTP/1.1 2000 OK\r\n\r\n", StatusLine),
        ["status below 100"] = ("HTTP/1.1 099 OK\r\n\r\n", StatusLine),
        ["signed status"] = ("HTTP/1.1 +20 OK\r\n\r\n", StatusLine),
        ["status that is no number"] = ("HTTP/1.1 2x0 OK\r\n\r\n", StatusLine),
        ["no status"] = ("HTTP/1.1 \r\n\r\n", StatusLine),
        ["CR in the reason"] = ("HTTP/1.1 200 O\rK\r\n\r\n", "control character"),
        ["NUL in the reason"] = ("HTTP/1.1 200 O\0K\r\n\r\n", "control character"),
        ["a field without a colon"] = (Ok + "x-a\r\n\r\n", "name"),
        ["a field without a name"] = (Ok + ": 1\r\n\r\n", "name"),
        ["a blank within a name"] = (Ok + "x a: 1\r\n\r\n", "name"),
        ["a name that is no token"] = (Ok + "x(a): 1\r\n\r\n", "name"),
        ["a name beyond ASCII"] = (Ok + "x-\u00e9: 1\r\n\r\n", "name"),
        ["CR in a name"] = (Ok + "x\ra: 1\r\n\r\n", "name"),
        ["NUL in a name"] = (Ok + "x\0a: 1\r\n\r\n", "name"),
        ["a blank before the first field"] = (Ok + " x-a: 1\r\n\r\n", "name"),
        ["CR in a value"] = (Ok + "x-a: 1\r2\r\n\r\n", "'x-a'"),
        ["two CRs at a line's end"] = (Ok + "x-a: 1\r\r\n\r\n", "'x-a'"),
        ["NUL in a value"] = (Ok + "x-a: 1\0\r\n\r\n", "'x-a'"),
        ["ESC in a value"] = (Ok + "x-a: \u001b[1m\r\n\r\n", "'x-a'"),
        ["DEL in a value"] = (Ok + "x-a: \u007f\r\n\r\n", "'x-a'"),
        ["CR in a folded line"] = (Ok + "x-a: 1\r\n 2\r3\r\n\r\n", "'x-a'"),
        ["CR alone in a line"] = (Ok + "\r\r\n\r\n", "name"),
        ["length twice"] = (Ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "Content-Length"),
        ["the same length twice"] = (Ok + "Content-Length: 3\r\ncontent-length: 3\r\n\r\n", "Content-Length"),
        ["a list of lengths"] = (Ok + "Content-Length: 3, 3\r\n\r\n", "Content-Length"),
        ["signed length"] = (Ok + "Content-Length: +3\r\n\r\n", "Content-Length"),
        ["negative length"] = (Ok + "Content-Length: -1\r\n\r\n", "Content-Length"),
        ["negative length that means something here"] = (Ok + "Content-Length: -2\r\n\r\n", "Content-Length"),
        ["length with a blank"] = (Ok + "Content-Length: 1 0\r\n\r\n", "Content-Length"),
        ["length folded"] = (Ok + "Content-Length: 1\r\n 0\r\n\r\n", "Content-Length"),
        ["length in hexadecimal"] = (Ok + "Content-Length: 0x3\r\n\r\n", "Content-Length"),
        ["length beyond 63 bits"] = (Ok + "Content-Length: 9223372036854775808\r\n\r\n", "Content-Length"),
        ["no length"] = (Ok + "Content-Length:\r\n\r\n", "Content-Length"),
        ["length in other digits"] = (Ok + "Content-Length: \u00b2\r\n\r\n", "Content-Length"),
        ["another coding"] = (Ok + "Transfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding"),
        ["a coding before chunked"] = (Ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding"),
        ["chunked twice"] = (Ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"),
        ["chunked and more"] = (Ok + "Transfer-Encoding: chunked;q=1\r\n\r\n", "Transfer-Encoding"),
        ["chunked before identity"] = (Ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "Transfer-Encoding"),
        ["no coding"] = (Ok + "Transfer-Encoding:\r\n\r\n", "Transfer-Encoding"),
        ["length and chunked"] = (Ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "both"),
        ["chunked and length, where there is no body"] = ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "both"),
        ["101 that nobody asked for"] = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "switches protocols"),
        ["an interim response with a length"] = ("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", "interim"),
        ["an interim response in chunks"] = ("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n", "interim"),
        ["an interim response whose field has no name"] = ("HTTP/1.1 103 Early Hints\r\n: 5\r\n\r\n", "name"),
    };

    public static TheoryData<string> Names => [.. Malformed.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Parse_Malformed_SaysWhatIsWrong(string name)
    {
        var failure = Heads.Failure(Malformed[name].Head);

        failure.HttpRequestError.ShouldBe(HttpRequestError.InvalidResponse);
        failure.Message.ShouldContain(Malformed[name].Says);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", 200, "OK")]
    [InlineData("HTTP/1.1 200 \r\n\r\n", 200, "")]
    [InlineData("HTTP/1.1 200\r\n\r\n", 200, "")]
    [InlineData("HTTP/1.0 404 Not here\r\n\r\n", 404, "Not here")]
    [InlineData("HTTP/1.9 999 caf\u00e9\t!\r\n\r\n", 999, "caf\u00e9\t!")]
    [InlineData("HTTP/1.1 599 Odd\n\n", 599, "Odd")]
    public void Parse_StatusLine_IsRead(string head, int status, string reason)
    {
        var response = Heads.Parse(head).Response!;

        ((int)response.StatusCode).ShouldBe(status);
        response.ReasonPhrase.ShouldBe(reason);
    }

    [Theory]
    [InlineData("x-a: 1\r\nx-b:2\r\n", "x-a: 1|x-b: 2")]
    [InlineData("x-a: 1\nx-b: 2\r\n", "x-a: 1|x-b: 2")] // §2.2
    [InlineData("x-a: \t 1 2\t \r\n", "x-a: 1 2")]
    [InlineData("x-a \t: 1\r\n", "x-a: 1")] // §5.1
    [InlineData("x-a:\r\n", "x-a: ")]
    [InlineData("x-a: 1\r\nX-A: 2\r\n", "x-a: 1|x-a: 2")]
    [InlineData("x-a: a:b\r\n", "x-a: a:b")]
    [InlineData("x-a: 1\r\n 2\r\n\t 3 \r\nx-b: 4\r\n", "x-a: 1 2 3|x-b: 4")] // §5.2
    [InlineData("x-a: 1\n\t2\n", "x-a: 1 2")]
    [InlineData("x-a:\r\n 1\r\n", "x-a: 1")]
    [InlineData("x-a: 1\r\n \r\n", "x-a: 1")]
    [InlineData("x-a: 1\r\n \r\n\t\r\n 2\r\n", "x-a: 1   2")]
    [InlineData("x-a: 1\r\n x-b: 2\r\n", "x-a: 1 x-b: 2")]
    [InlineData("x-a: 1\r\n : 2\r\n", "x-a: 1 : 2")]
    [InlineData("x-a: \u00e9\u00ff\r\n", "x-a: \u00e9\u00ff")]
    [InlineData("Content-Type: text/plain\r\nAllow: GET\r\nServer: x\r\n", "server: x|content-type: text/plain|allow: GET")]
    [InlineData("Host: h\r\nAccept: a\r\n", "host: h|accept: a")]
    [InlineData("Set-Cookie: a\r\nSet-Cookie: b, c\r\n", "set-cookie: a|set-cookie: b, c")]
    public void Parse_Fields_AreThemselves(string lines, string expected) =>
        string.Join('|', Heads.FieldsOf(Heads.Parse($"HTTP/1.1 200 OK\r\n{lines}\r\n").Response!).Select(f => $"{f.Name}: {f.Value}")).ShouldBe(expected);

    /// <summary>Each line once, however many a value has.</summary>
    [Fact]
    public void Parse_ThousandsOfFolds_CopiesEachOnce()
    {
        var head = "HTTP/1.1 200 OK\r\nx-a: 1\n" + string.Concat(Enumerable.Repeat("\t2\n", 15_000)) + "\n";
        var value = "";

        Allocations.Of(() => value = Heads.Parse(head).Response!.Headers.NonValidated["x-a"].ToString()).ShouldBeLessThan(20 * head.Length);

        value.Length.ShouldBe(1 + (2 * 15_000));
    }

    [Fact]
    public void Parse_Response_NamesItsRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/");

        Heads.Parse("HTTP/1.1 200 OK\r\n\r\n", request).Response!.RequestMessage.ShouldBeSameAs(request);
    }

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", 100)]
    [InlineData("HTTP/1.1 102 \r\nContent-Length: 0\r\n\r\n", 102)]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 103)]
    [InlineData("HTTP/1.1 199\n\n", 199)]
    public void Parse_Interim_IsNotTheResponse(string head, int status)
    {
        var parsed = Heads.Parse(head);

        parsed.Status.ShouldBe(status);
        parsed.Response.ShouldBeNull();
    }

    /// <summary>What the server says each time is not made again, whatever comes between.</summary>
    [Fact]
    public void Parse_Interim_LeavesWhatIsRemembered()
    {
        var strings = new FieldStrings();
        string Server() => Heads.Parse("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", strings: strings).Response!.Headers.NonValidated["Server"].ToString();
        var first = Server();

        Heads.Parse("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", strings: strings);

        Server().ShouldBeSameAs(first);
    }

    [Fact]
    public void Parse_SwitchingProtocols_ThatWasAskedFor_IsTheResponse()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/") { Headers = { { "Upgrade", "websocket" } } };

        var parsed = Heads.Parse("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n", request);

        parsed.Response!.StatusCode.ShouldBe(HttpStatusCode.SwitchingProtocols);
        parsed.BodyLength.ShouldBe(0);
        parsed.KeepsAlive.ShouldBeFalse();
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("HTTP/1.1 200 OK", 0)]
    [InlineData("HTTP/1.1 200 OK\r\n", 0)]
    [InlineData("HTTP/1.1 200 OK\r\n\r", 0)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", 19)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\n", 19)]
    [InlineData("HTTP/1.1 200 OK\n\nbody", 17)]
    [InlineData("HTTP/1.1 200 OK\r\n\nbody", 18)]
    [InlineData("a\r\n \r\n\r\r\n\r\n", 11)]
    [InlineData("\r\nHTTP/1.1 200 OK\r\n\r\n", 2)]
    [InlineData("a\nb\n\n", 5)]
    public void EndOf_Bytes_IsBehindTheEmptyLine_HoweverTheyCome(string text, int end)
    {
        var bytes = System.Text.Encoding.Latin1.GetBytes(text);
        var scanned = 0;
        Http1ResponseHead.EndOf(bytes, ref scanned).ShouldBe(end);

        scanned = 0;
        var found = 0;
        for (var came = 0; came <= bytes.Length && found == 0; came++)
        {
            found = Http1ResponseHead.EndOf(bytes.AsSpan(0, came), ref scanned);
        }

        found.ShouldBe(end);
    }
}
