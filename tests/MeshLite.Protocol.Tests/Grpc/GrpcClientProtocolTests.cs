using System.Net;
using MeshLite.Protocol.Grpc;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>Our client against responses no gRPC server should give.</summary>
public sealed class GrpcClientProtocolTests
{
    [Theory]
    [InlineData(400, GrpcStatusCode.Internal)]
    [InlineData(401, GrpcStatusCode.Unauthenticated)]
    [InlineData(403, GrpcStatusCode.PermissionDenied)]
    [InlineData(404, GrpcStatusCode.Unimplemented)]
    [InlineData(429, GrpcStatusCode.Unavailable)]
    [InlineData(431, GrpcStatusCode.Internal)]
    [InlineData(503, GrpcStatusCode.Unavailable)]
    [InlineData(500, GrpcStatusCode.Unknown)]
    public async Task UnaryAsync_HttpErrorWithoutStatus_IsMapped(int status, GrpcStatusCode expected) =>
        (await FailAsync(new HttpResponseMessage((HttpStatusCode)status) { Content = Body("text/html") })).Code.ShouldBe(expected);

    [Fact]
    public async Task UnaryAsync_HttpErrorWithStatus_StatusCounts()
    {
        var response = new HttpResponseMessage(HttpStatusCode.Forbidden) { Content = Body("application/grpc") };
        response.Headers.Add("grpc-status", "5");
        response.Headers.Add("grpc-message", "no%20%C3%9Cbung");

        var error = await FailAsync(response);

        (error.Code, error.Message).ShouldBe((GrpcStatusCode.NotFound, "no Übung"));
    }

    [Theory]
    [InlineData("text/html", null, GrpcStatusCode.Unknown)]
    [InlineData("application/grpc-web", "0", GrpcStatusCode.Unknown)]
    [InlineData("application/grpc", null, GrpcStatusCode.Unknown)]
    [InlineData("application/grpc", "", GrpcStatusCode.Unknown)]
    [InlineData("application/grpc", "many", GrpcStatusCode.Unknown)]
    [InlineData("application/grpc", "99", GrpcStatusCode.Unknown)]
    [InlineData("application/grpc+proto", "0", GrpcStatusCode.Unimplemented)]
    public async Task UnaryAsync_OkWithoutMessage_Fails(string contentType, string? trailer, GrpcStatusCode expected)
    {
        var response = new HttpResponseMessage { Content = Body(contentType) };
        if (trailer is not null)
        {
            response.TrailingHeaders.TryAddWithoutValidation("grpc-status", trailer);
        }

        (await FailAsync(response)).Code.ShouldBe(expected);
    }

    [Theory]
    [InlineData(0, null, GrpcStatusCode.Unimplemented)]
    [InlineData(1, "gzip", GrpcStatusCode.Internal)]
    [InlineData(1, null, GrpcStatusCode.Internal)]
    public async Task UnaryAsync_TwoMessagesOrCompressed_Fails(byte flag, string? encoding, GrpcStatusCode expected)
    {
        var response = new HttpResponseMessage { Content = Body("application/grpc", flag, 0, 0, 0, 0, 0, 0, 0, 0, 0) };
        response.TrailingHeaders.Add("grpc-status", "0");
        if (encoding is not null)
        {
            response.Headers.Add("grpc-encoding", encoding);
        }

        (await FailAsync(response)).Code.ShouldBe(expected);
    }

    [Theory]
    [InlineData(0, GrpcStatusCode.Internal)]
    [InlineData(2, GrpcStatusCode.Internal)]
    [InlineData(7, GrpcStatusCode.Unavailable)]
    [InlineData(8, GrpcStatusCode.Cancelled)]
    [InlineData(11, GrpcStatusCode.ResourceExhausted)]
    [InlineData(12, GrpcStatusCode.PermissionDenied)]
    public async Task UnaryAsync_StreamReset_IsMapped(long code, GrpcStatusCode expected) =>
        (await FailAsync(_ => throw new HttpRequestException("reset", new HttpProtocolException(code, "reset", null)))).Code.ShouldBe(expected);

    [Fact]
    public async Task UnaryAsync_NoConnection_IsUnavailableAndSaysWhy()
    {
        var error = await FailAsync(_ => throw new HttpRequestException("outer", new IOException("refused")));

        (error.Code, error.Message).ShouldBe((GrpcStatusCode.Unavailable, "outer (refused)"));
    }

    [Fact]
    public async Task UnaryAsync_ServerSaysNothing_EndsAtItsOwnDeadline()
    {
        var time = new ManualTimeProvider();
        using var invoker = new HttpMessageInvoker(new SilentHandler());
        var channel = new GrpcChannel(new("http://server"), invoker, new(), time);

        var call = channel.UnaryAsync(EchoMethods.Unary, new(), new() { Timeout = TimeSpan.FromSeconds(5) });
        time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromMilliseconds(1));
        call.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromMilliseconds(1));

        (await Should.ThrowAsync<GrpcException>(call.WaitAsync(TimeSpan.FromSeconds(20)))).Code.ShouldBe(GrpcStatusCode.DeadlineExceeded);
    }

    [Fact]
    public async Task UnaryAsync_Request_IsAsTheProtocolSays()
    {
        HttpRequestMessage? sent = null;
        await FailAsync(request =>
        {
            sent = request;
            return new();
        });

        (sent!.Method, sent.Version, sent.RequestUri!.ToString()).ShouldBe((HttpMethod.Post, new Version(2, 0), "http://server/meshlite.test.Echo/Unary"));
        sent.Headers.TE.ToString().ShouldBe("trailers");
        sent.Headers.GetValues("grpc-timeout").ShouldBe(["5000000u"]);
        sent.Headers.GetValues("grpc-accept-encoding").ShouldBe(["identity"]);
        sent.Content!.Headers.ContentType!.ToString().ShouldBe("application/grpc");
    }

    private static ByteArrayContent Body(string contentType, params byte[] bytes) => new(bytes) { Headers = { { "Content-Type", contentType } } };

    private static Task<GrpcException> FailAsync(HttpResponseMessage response) => FailAsync(_ => response);

    private static async Task<GrpcException> FailAsync(Func<HttpRequestMessage, HttpResponseMessage> respond)
    {
        using var invoker = new HttpMessageInvoker(new Handler(respond));
        var channel = new GrpcChannel(new("http://server"), invoker, new(), TimeProvider.System);
        return await Should.ThrowAsync<GrpcException>(channel.UnaryAsync(EchoMethods.Unary, new(), new() { Timeout = TimeSpan.FromSeconds(5) }));
    }

    private sealed class SilentHandler : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new();
        }
    }

    private sealed class Handler(Func<HttpRequestMessage, HttpResponseMessage> respond) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(respond(request));
    }
}
