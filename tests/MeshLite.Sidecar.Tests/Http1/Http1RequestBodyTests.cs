using System.Text;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Tests.Http2;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A request's body, as it goes.</summary>
public sealed class Http1RequestBodyTests
{
    private readonly MemoryStream _sent = new();

    private string Sent => Encoding.Latin1.GetString(_sent.ToArray());

    [Fact]
    public async Task Declared_GoesAsItIs_AndIsWholeWithItsLastByte()
    {
        var body = new Http1RequestBody(_sent, 5);
        await body.WriteAsync("hel"u8.ToArray());
        body.IsWhole.ShouldBeFalse();
        await body.WriteAsync(default(ReadOnlyMemory<byte>));
        await body.WriteAsync("lo"u8.ToArray());
        body.IsWhole.ShouldBeTrue();
        await body.EndAsync(CancellationToken.None);

        Sent.ShouldBe("hello");
        body.WriteFailed.ShouldBeFalse();
    }

    [Fact]
    public async Task Declared_Nothing_IsWholeAtOnce()
    {
        var body = new Http1RequestBody(_sent, 0);
        body.IsWhole.ShouldBeTrue();
        await body.EndAsync(CancellationToken.None);

        Sent.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(4, "")]
    [InlineData(5, "hello")]
    public async Task Declared_TooLong_ThrowsAndSendsNoneOfTheWrite(int length, string sent)
    {
        var body = new Http1RequestBody(_sent, length);
        if (sent.Length > 0)
        {
            await body.WriteAsync("hello"u8.ToArray());
        }

        (await Should.ThrowAsync<HttpRequestException>(async () => await body.WriteAsync("hello"u8.ToArray()))).Message.ShouldContain("longer");

        Sent.ShouldBe(sent);
        body.WriteFailed.ShouldBeFalse("it is the caller's fault");
    }

    [Theory]
    [InlineData("")]
    [InlineData("hell")]
    public async Task Declared_TooShort_ThrowsAtItsEnd(string data)
    {
        var body = new Http1RequestBody(_sent, 5);
        await body.WriteAsync(Encoding.ASCII.GetBytes(data));

        (await Should.ThrowAsync<HttpRequestException>(async () => await body.EndAsync(CancellationToken.None))).Message.ShouldContain("shorter");

        body.IsWhole.ShouldBeFalse();
        body.WriteFailed.ShouldBeFalse();
    }

    [Fact]
    public async Task Chunked_EachWriteIsAChunk_ButNotAnEmptyOne()
    {
        var body = new Http1RequestBody(_sent, Http1RequestHead.Chunked);
        await body.WriteAsync("hello"u8.ToArray());
        await body.WriteAsync(default(ReadOnlyMemory<byte>)); // it would be the end
        await body.WriteAsync("0123456789abcdef"u8.ToArray());
        Sent.ShouldBe("5\r\nhello\r\n10\r\n0123456789abcdef\r\n");
        body.IsWhole.ShouldBeFalse();
        await body.EndAsync(CancellationToken.None);

        Sent.ShouldEndWith("\r\n0\r\n\r\n");
        body.IsWhole.ShouldBeTrue();
    }

    [Fact]
    public async Task Chunked_Nothing_IsTheLastChunk()
    {
        await new Http1RequestBody(_sent, Http1RequestHead.Chunked).EndAsync(CancellationToken.None);

        Sent.ShouldBe("0\r\n\r\n");
    }

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData((64 * 1024) + 1)]
    [InlineData(200_000)]
    public async Task Chunked_LargeWrite_IsReadAgain(int length)
    {
        var body = new Http1RequestBody(_sent, Http1RequestHead.Chunked);
        await body.WriteAsync(WrittenContent.Bytes(0, length));
        await body.EndAsync(CancellationToken.None);

        var chunks = Chunks.Of(Sent);
        chunks.IsAtEnd.ShouldBeTrue();
        chunks.Rest.IsEmpty.ShouldBeTrue();
        chunks.Data.ShouldBe(WrittenContent.Bytes(0, length));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(Http1RequestHead.Chunked)]
    public async Task Write_ThatFails_IsTold(long length)
    {
        await _sent.DisposeAsync();
        var body = new Http1RequestBody(_sent, length);

        await Should.ThrowAsync<ObjectDisposedException>(async () => await body.WriteAsync("hello"u8.ToArray()));

        body.WriteFailed.ShouldBeTrue();
        body.IsWhole.ShouldBeFalse();
    }

    [Fact]
    public async Task End_ThatFails_IsTold()
    {
        var body = new Http1RequestBody(_sent, Http1RequestHead.Chunked);
        await _sent.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(async () => await body.EndAsync(CancellationToken.None));

        body.WriteFailed.ShouldBeTrue();
        body.IsWhole.ShouldBeFalse();
    }

    /// <summary>Whoever stops writing says nothing of the server.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(Http1RequestHead.Chunked)]
    public async Task Write_ThatIsCancelled_HasNotFailed(long length)
    {
        var body = new Http1RequestBody(_sent, length);

        await Should.ThrowAsync<OperationCanceledException>(async () => await body.WriteAsync("hello"u8.ToArray(), new CancellationToken(canceled: true)));

        body.WriteFailed.ShouldBeFalse();
        body.IsWhole.ShouldBeFalse();
    }

    /// <summary>Where a write stopped nobody knows: an end behind it would be data of its chunk to the server, and the next request too.</summary>
    [Fact]
    public async Task End_AfterAWriteThatWasCancelled_IsNotSent()
    {
        var body = new Http1RequestBody(_sent, Http1RequestHead.Chunked);
        await Should.ThrowAsync<OperationCanceledException>(async () => await body.WriteAsync("hello"u8.ToArray(), new CancellationToken(canceled: true)));

        await Should.ThrowAsync<IOException>(async () => await body.WriteAsync("hello"u8.ToArray()));
        await Should.ThrowAsync<IOException>(async () => await body.EndAsync(CancellationToken.None));

        Sent.ShouldBeEmpty();
        body.IsWhole.ShouldBeFalse();
    }
}
