using System.Collections.Concurrent;
using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>
/// Fields that HTTP/2 can carry and HTTP/1.1 would read as something else (RFC 9113 §8.2, §10.3): the application behind
/// sees none of them.
/// </summary>
public sealed class Http2SmugglingTests : IClassFixture<Http2SmugglingTests.World>
{
    private readonly World _world;

    public Http2SmugglingTests(World world) => _world = world;

    /// <summary>A field, in its own name and value, that goes with an otherwise good request.</summary>
    public static TheoryData<string, string> BadFields => new()
    {
        { "x", "a\r\ncontent-length: 44" },
        { "x", "a\nb" },
        { "x", "a\rb" },
        { "x", "a\0b" },
        { "x\r\ny", "a" },
        { "x: y", "a" },
        { "X", "a" },
        { "x y", "a" },
        { "", "a" },
        { ":x", "a" },
        { ":path", "/second" },
        { "transfer-encoding", "chunked" },
        { "connection", "close" },
        { "te", "gzip" },
        { "content-length", "+4" },
        { "content-length", "4, 4" },
        { "content-length", "5" },
        { "content-length", "3" },
        { "transfer-encoding", "identity" },
        { "transfer-encoding ", "chunked" },
        { "connection", "transfer-encoding" },
        { "x", "\u00a0\r\n\r\nGET /smuggled HTTP/1.1" },
        { ":authority", "admin" },
        { ":scheme", "https" },
    };

    /// <summary>Values of pseudo-fields.</summary>
    public static TheoryData<string, string> BadPseudoFields => new()
    {
        { ":path", "" },
        { ":path", "/a b" },
        { ":path", "/a HTTP/1.1\r\nx: y" },
        { ":path", "a" },
        { ":method", "GET /smuggled HTTP/1.1\r\nx:" },
        { ":method", "" },
        { ":authority", "orders\r\nx: y" },
        { ":authority", "orders/admin" },
        { ":scheme", "" },
        { ":path", "*" },
        { ":path", "/a\0b" },
        { ":path", "/a\tb" },
        { ":path", "http://admin/a\n" },
        { ":method", "CONNECT" },
        { ":method", "GE\rT" },
        { ":authority", "orders\0" },
        { ":authority", "orders@admin" },
        { ":authority", "" },
    };

    [Theory]
    [MemberData(nameof(BadFields))]
    public async Task EitherPort_BadField_NeverReachesTheApplication(string name, string value) =>
        await ShouldBeRefusedAsync([(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "orders"), (name, value)]);

    [Theory]
    [MemberData(nameof(BadPseudoFields))]
    public async Task EitherPort_BadPseudoField_NeverReachesTheApplication(string name, string value) =>
        await ShouldBeRefusedAsync([.. Good.Select(field => field.Name == name ? (name, value) : field)]);

    /// <summary>What is of the hop, though it should not be there at all, ends here; <c>:authority</c> is the host.</summary>
    [Theory]
    [InlineData("keep-alive", "timeout=5")]
    [InlineData("proxy-connection", "close")]
    [InlineData("upgrade", "h2c")]
    [InlineData("host", "admin")]
    [InlineData("te", "trailers")]
    public async Task EitherPort_FieldOfTheHop_IsTakenOut(string name, string value)
    {
        foreach (var port in Ports)
        {
            var (outcome, received) = await SendAsync(port, [.. Good, (name, value)]);

            outcome.ShouldBe("200");
            received.ShouldHaveSingleItem().ShouldBe("POST / orders body te=" + (name == "te" ? "trailers" : ""));
        }
    }

    [Fact]
    public async Task EitherPort_GoodRequest_ReachesTheApplication()
    {
        foreach (var port in Ports)
        {
            var (outcome, received) = await SendAsync(port, [.. Good, ("content-length", "4")]);

            outcome.ShouldBe("200");
            received.ShouldHaveSingleItem().ShouldBe("POST / orders body te=");
        }
    }

    /// <summary>What the application calls, and where others call in plaintext.</summary>
    private IPEndPoint[] Ports => [_world.Pair.Client.OutboundAddress, _world.Pair.Server.InboundAddress];

    private static (string Name, string Value)[] Good => [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "orders")];

    private async Task ShouldBeRefusedAsync((string Name, string Value)[] fields)
    {
        foreach (var port in Ports)
        {
            var (outcome, received) = await SendAsync(port, fields);

            outcome.ShouldMatch("^(reset [1-9]|400)$");
            received.ShouldBeEmpty();
        }
    }

    private async Task<(string Outcome, IReadOnlyCollection<string> Received)> SendAsync(IPEndPoint port, (string Name, string Value)[] fields)
    {
        _world.Received.Clear();
        using var wire = await Http2Wire.OpenAsync(port);
        await wire.HeadersAsync(1, endStream: false, fields);
        await wire.DataAsync(1, "body", endStream: true);
        var outcome = await wire.OutcomeAsync(1);
        await _world.Pair.IdleInFlightAsync();
        return (outcome, _world.Received);
    }

    /// <summary>One mesh for all cases, before an application that speaks HTTP/2.</summary>
    public sealed class World : IAsyncLifetime
    {
        private HttpApp? _app;

        internal MeshPair Pair { get; private set; } = null!;

        internal ConcurrentQueue<string> Received { get; } = new();

        public async ValueTask InitializeAsync()
        {
            _app = await HttpApp.StartAsync(
                "orders",
                async context =>
                {
                    var request = context.Request;
                    string[] hop = ["Keep-Alive", "Proxy-Connection", "Upgrade", "Connection", "Transfer-Encoding"];
                    hop.ShouldAllBe(name => !request.Headers.ContainsKey(name));
                    using var body = new StreamReader(request.Body);
                    Received.Enqueue($"{request.Method} {request.Path} {request.Host} {await body.ReadToEndAsync()} te={request.Headers.TE}");
                },
                HttpProtocols.Http2);
            Pair = await MeshPair.StartAsync(_app.Port);
        }

        public async ValueTask DisposeAsync()
        {
            await Pair.DisposeAsync();
            await _app!.DisposeAsync();
        }
    }
}
