using System.Text;
using MeshLite.Sidecar.Http1;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Chunked bodies (RFC 9112 §7.1).</summary>
public sealed class ChunkReaderTests
{
    private static readonly Dictionary<string, string> Malformed = new()
    {
        ["no size"] = "\r\n",
        ["an extension without a size"] = ";a=b\r\n",
        ["size that is no number"] = "x\r\n",
        ["size with a prefix"] = "0x5\r\n",
        ["signed size"] = "+5\r\n",
        ["negative size"] = "-5\r\n",
        ["negative nothing"] = "-0\r\n\r\n",
        ["a blank before the size"] = " 5\r\n",
        ["a blank within the size"] = "5 5\r\n",
        ["two sizes"] = "5,5\r\n",
        ["size and a word"] = "5 x\r\n",
        ["NUL behind the size"] = "5\0\r\n",
        ["size beyond 63 bits"] = "8000000000000000\r\n",
        ["size that is -1 in 64 bits"] = "ffffffffffffffff\r\n",
        ["size beyond 64 bits"] = "10000000000000005\r\n",
        ["LF alone behind a size"] = "5\nhello\r\n",
        ["LF in an extension"] = "5;a\nb\r\n",
        ["CR in an extension"] = "5;a\rb\r\n",
        ["LF alone behind the last size"] = "0\n\r\n",
        ["data longer than its size"] = "5\r\nhello!\r\n",
        ["LF alone behind data"] = "5\r\nhello\n0\r\n",
        ["CR alone behind data"] = "5\r\nhello\r0\r\n",
        ["nothing behind data"] = "5\r\nhello0\r\n\r\n",
        ["two bytes behind data that no CRLF can be of"] = "5\r\nhello!!",
        ["a trailer without a name"] = "0\r\n: 1\r\n\r\n",
        ["a trailer without a colon"] = "0\r\nx-a\r\n\r\n",
        ["a trailer folded onto nothing"] = "0\r\n x-a: 1\r\n\r\n",
        ["CR in a trailer"] = "0\r\nx-a: 1\r2\r\n\r\n",
        ["the next response for trailers"] = "0\r\nHTTP/1.1 200 OK\r\n\r\n",
    };

    public static TheoryData<string> Names => [.. Malformed.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_Malformed_Throws(string name) =>
        Should.Throw<HttpRequestException>(() => Chunks.Of(Malformed[name])).HttpRequestError.ShouldBe(HttpRequestError.InvalidResponse);

    [Theory]
    [InlineData("0\r\n\r\n", "", "")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", "hello", "")]
    [InlineData("1\r\nh\r\n000004\r\nello\r\n00\r\n\r\nHTTP", "hello", "HTTP")]
    [InlineData("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", "")]
    [InlineData("2;a=b;c=\"d;e\"\r\n\r\n\r\n0;x\r\n\r\n", "\r\n", "")]
    [InlineData("2 \t;a\r\nhi\r\n0 \r\n\r\n", "hi", "")]
    [InlineData("00000000000000000002\r\nhi\r\n0\r\n\r\n", "hi", "")]
    public void Read_Body_GivesItsDataAndLeavesWhatFollows(string body, string data, string rest)
    {
        var chunks = Chunks.Of(body);

        chunks.IsAtEnd.ShouldBeTrue();
        Encoding.Latin1.GetString(chunks.Data).ShouldBe(data);
        Encoding.Latin1.GetString(chunks.Rest.Span).ShouldBe(rest);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("5\r")]
    [InlineData("5\r\nhell")]
    [InlineData("5\r\nhello")]
    [InlineData("5\r\nhello\r")]
    [InlineData("5\r\nhello\r\n")]
    [InlineData("0\r\n")]
    [InlineData("0\r\n\r")]
    [InlineData("0\r\nx-a: 1\r\n")]
    [InlineData("7fffffffffffffff\r\nx")]
    public void Read_BodyThatIsCutShort_IsNotAtItsEnd(string body) => Chunks.Of(body).IsAtEnd.ShouldBeFalse();

    /// <summary>What frames a message has no meaning behind it (RFC 9110 §6.5.1).</summary>
    [Theory]
    [InlineData("x-a: 1\r\nx-b : 2\n", "x-a: 1|x-b: 2")]
    [InlineData("x-a: 1\r\n 2\r\nx-a: 3\r\n", "x-a: 1 2|x-a: 3")]
    [InlineData("Content-Length: 5\r\nx-a: 1\r\n", "x-a: 1")]
    [InlineData("transfer-encoding: chunked\r\nCONNECTION: close\r\nx-a: 1\r\n", "x-a: 1")]
    [InlineData("Content-Length: none\r\n", "")]
    [InlineData("Content-Type: a\r\nGrpc-Status: 0\r\n", "content-type: a|grpc-status: 0")] // whether they may stand there is for their readers
    public void Trailers_AreThoseThatMayBe(string lines, string expected) =>
        string.Join('|', Chunks.Of($"0\r\n{lines}\r\n").Trailers.Select(t => $"{t.Name}: {t.Value}")).ShouldBe(expected);

    /// <summary>Whether a line is too long does not depend on how it comes.</summary>
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void Read_LongExtension_HasOneLimit(int beyond, bool isRead)
    {
        var line = "2;" + new string('x', Http1Limits.MaxChunkLine - 2 + beyond);
        var body = Encoding.Latin1.GetBytes($"{line}\r\nhi\r\n0\r\n\r\n");
        for (var first = line.Length - 1; first <= line.Length + 2; first++)
        {
            Outcome(body, first).ShouldBe(isRead ? "hi" : null, $"{first} bytes first");
        }
    }

    /// <summary>Nor whether trailers are.</summary>
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void Read_LongTrailers_HaveOneLimit(int beyond, bool isRead)
    {
        var trailers = $"x-a: {new string('x', Http1Limits.MaxHead - 9 + beyond)}\r\n\r\n";
        var body = Encoding.Latin1.GetBytes($"2\r\nhi\r\n0\r\n{trailers}");
        foreach (var first in (int[])[10, body.Length - 2, body.Length - 1, body.Length])
        {
            Outcome(body, first).ShouldBe(isRead ? "hi" : null, $"{first} bytes first");
        }
    }

    private static string? Outcome(byte[] body, int first)
    {
        var chunks = new Chunks();
        try
        {
            chunks.Come(body.AsMemory(0, first));
            chunks.Come(body.AsMemory(first));
        }
        catch (HttpRequestException)
        {
            return null;
        }

        chunks.IsAtEnd.ShouldBeTrue();
        return Encoding.Latin1.GetString(chunks.Data);
    }
}
