using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Tests.Http1;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.Sidecar.Tests.Fuzz;

/// <summary>What reads the responses of an application's HTTP/1.1 connection.</summary>
public sealed class ResponseFuzzTests
{
    private static readonly string[] Words =
    [
        "\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 304 \r\n", "HTTP/1.0", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "\r\n ", "\n\t", "0\r\n", "5;", ": ",
    ];

    /// <summary>One response after another, as a connection reads them: text without line breaks, and bodies of what there was, or the one exception.</summary>
    [Fact]
    public void Responses_AnyBytes_AreReadOrTheOneException() => new Fuzzer("responses", Words).Run((byte[] input) =>
    {
        var strings = new FieldStrings();
        ReadOnlyMemory<byte> rest = input;
        var keepsAlive = true;
        while (keepsAlive && !rest.IsEmpty)
        {
            try
            {
                keepsAlive = TryReadResponse(ref rest, strings);
            }
            catch (HttpRequestException e)
            {
                e.HttpRequestError.ShouldBe(HttpRequestError.InvalidResponse);
                e.Message.ShouldNotContain('\n');
                return;
            }
        }
    });

    private static bool TryReadResponse(ref ReadOnlyMemory<byte> rest, FieldStrings strings)
    {
        var scanned = 0;
        var end = Http1ResponseHead.EndOf(rest.Span, ref scanned);
        if (end == 0)
        {
            return false;
        }

        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/") { Headers = { { "Upgrade", "websocket" } } };
        var head = Http1ResponseHead.Parse(rest.Span[..end], request, strings);
        rest = rest[end..];
        head.Status.ShouldBeInRange(100, 999);
        if (head.Response is not { } response)
        {
            return true;
        }

        CheckText(response, end);
        switch (head.BodyLength)
        {
            case Http1ResponseHead.UntilClose:
                head.KeepsAlive.ShouldBeFalse();
                return false;
            case Http1ResponseHead.Chunked:
                var chunks = new Chunks();
                chunks.Come(rest);
                (chunks.Data.Length + chunks.Rest.Length).ShouldBeLessThanOrEqualTo(rest.Length);
                rest = chunks.Rest;
                return head.KeepsAlive && chunks.IsAtEnd;
            default:
                head.BodyLength.ShouldBeGreaterThanOrEqualTo(0);
                rest = rest[(int)Math.Min(head.BodyLength, rest.Length)..];
                return head.KeepsAlive;
        }
    }

    private static void CheckText(HttpResponseMessage response, int headLength)
    {
        var length = 0;
        foreach (var (name, value) in Heads.FieldsOf(response))
        {
            length += name.Length + value.Length;
            name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c)).ShouldBeTrue(name);
            value.Any(c => c == 127 || (c < ' ' && c != '\t')).ShouldBeFalse(name);
            value.ShouldBe(value.Trim(' ', '\t'));
        }

        length.ShouldBeLessThan(headLength);
    }
}
