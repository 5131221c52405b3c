using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>
/// <c>authorization/targets.txt</c>, sent through the mesh and straight to the inbound port, in HTTP/1.1 and HTTP/2: whatever reaches the
/// application, no reading of it that any server is known to have is what a rule keeps out.
/// </summary>
public sealed partial class PathRuleTests(PathRuleTests.World world) : IClassFixture<PathRuleTests.World>
{
    private static readonly string[] Targets =
    [
        .. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "authorization", "targets.txt")).Where(line => line.Length > 0 && !line.StartsWith('#'))
            .Select(line => Byte().Replace(line, m => ((char)int.Parse(m.Groups[1].Value, NumberStyles.HexNumber)).ToString())),
    ];

    public static TheoryData<bool, bool, bool> Ways => new()
    {
        { true, false, false }, { true, false, true }, { true, true, false }, { true, true, true },
        { false, false, false }, { false, false, true }, { false, true, false }, { false, true, true },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Targets_Sent_GetRoundNoRule(bool deny, bool http2, bool straight)
    {
        var (app, pair) = world[deny, http2];
        var port = straight ? pair.Server.InboundAddress : pair.Client.OutboundAddress;
        var seen = app.Received.Count;

        foreach (var target in Targets)
        {
            await SendAsync(port, http2, "GET", target);
        }

        foreach (var target in (string[])["/items/1", "/items/caf%C3%A9", "/items/a%20b?x=/../admin"])
        {
            (await SendAsync(port, http2, "GET", target)).ShouldBe("200", target);
        }

        var received = app.Received.Skip(seen).Select(r => r.RawTarget).ToList();
        received.Count.ShouldBeGreaterThanOrEqualTo(3);
        foreach (var target in received)
        {
            foreach (var reading in PathReadings.Of(target))
            {
                var breach = deny ? reading == "/admin" || reading.StartsWith("/admin/", StringComparison.Ordinal) : !reading.StartsWith("/items", StringComparison.OrdinalIgnoreCase);
                breach.ShouldBeFalse($"'{target}' may be read as '{reading}'");
            }
        }
    }

    /// <summary>Without a rule they do get there: the corpus and the readings are able to find what they look for.</summary>
    [Fact]
    public async Task Targets_WithoutRule_ReachWhatTheyMean()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);

        foreach (var target in Targets)
        {
            await SendAsync(pair.Server.InboundAddress, http2: false, "GET", target);
        }

        app.Received.Count(r => PathReadings.Of(r.RawTarget).Any(reading => reading == "/admin" || reading.StartsWith("/admin/", StringComparison.Ordinal))).ShouldBeGreaterThan(60);
    }

    [Theory]
    [InlineData("DELETE")]
    [InlineData("delete")]
    [InlineData("Delete")]
    [InlineData("dElEtE")]
    public async Task Methods_HoweverSpelt_AreDenied(string method)
    {
        foreach (var http2 in (bool[])[false, true])
        {
            var (_, pair) = world[deny: true, http2];
            (await SendAsync(pair.Client.OutboundAddress, http2, method, "/items/1")).ShouldBe("403", method);
            (await SendAsync(pair.Server.InboundAddress, http2, method, "/items/1")).ShouldBe("403", method);
        }
    }

    /// <summary>RFC 9113 §8.3: each pseudo-header once, before the fields; and whatever names the host, the path is what rules look at.</summary>
    [Theory]
    [InlineData(":method=GET :scheme=http :authority=orders :path=/admin", "403")]
    [InlineData(":method=GET :scheme=http :authority=orders :path=/admin host=elsewhere", "403")]
    [InlineData(":method=GET :scheme=http :authority=elsewhere :path=/admin host=orders", "403,503")]
    [InlineData(":method=GET :scheme=http :path=/admin host=orders", "403")]
    [InlineData(":method=GET :scheme=http :authority=orders :path=/items/1 :path=/admin", "400,reset")]
    [InlineData(":method=GET :scheme=http :authority=orders :path=/admin :path=/items/1", "400,reset")]
    [InlineData(":method=GET :scheme=http :authority=orders x=1 :path=/admin", "400,reset")]
    [InlineData(":method=GET :method=DELETE :scheme=http :authority=orders :path=/items/1", "400,reset")]
    [InlineData(":method=GET :scheme=http :authority=orders/admin :path=/items/1", "400,reset")]
    [InlineData(":method=GET :scheme=http :authority=orders :path=http://orders/admin", "400,403,reset")]
    [InlineData(":method=GET :scheme=http :authority=orders :path=", "400,reset")]
    [InlineData(":method=DELETE :scheme=http :authority=orders :path=/items/1", "403")]
    [InlineData(":method=CONNECT :protocol=websocket :scheme=http :authority=orders :path=/admin", "403")]
    public async Task PseudoHeaders_OfAnyKind_GetRoundNoRule(string fields, string outcomes)
    {
        var (app, pair) = world[deny: true, http2: true];
        foreach (var port in (IPEndPoint[])[pair.Server.InboundAddress, pair.Client.OutboundAddress])
        {
            var seen = app.Received.Count;
            using var wire = await Http2Wire.OpenAsync(port);
            await wire.HeadersAsync(1, endStream: true, [.. fields.Split(' ').Select(field => (field[..field.LastIndexOf('=')], field[(field.LastIndexOf('=') + 1)..]))]);

            var outcome = await wire.OutcomeAsync(1);

            outcomes.Split(',').ShouldContain(expected => outcome.StartsWith(expected, StringComparison.Ordinal), $"{fields}: {outcome}");
            app.Received.Count.ShouldBe(seen);
        }
    }

    private static async Task<string> SendAsync(IPEndPoint port, bool http2, string method, string target)
    {
        if (http2)
        {
            using var frames = await Http2Wire.OpenAsync(port);
            await frames.HeadersAsync(1, endStream: true, (":method", method), (":scheme", "http"), (":authority", "orders"), (":path", target));
            return await frames.OutcomeAsync(1);
        }

        using var wire = await Wire.OpenAsync(port);
        await wire.SendAsync($"{method} {target} HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n");
        try
        {
            return $"{(await wire.ReadMessageAsync())?.Status}";
        }
        catch (SocketException)
        {
            return "reset";
        }
    }

    [GeneratedRegex(@"\\x([0-9a-f]{2})")]
    private static partial Regex Byte();

    /// <summary>Meshes that keep out and that let in, with applications of either HTTP version.</summary>
    public sealed class World : IAsyncLifetime
    {
        private readonly Dictionary<(bool Deny, bool Http2), (HttpApp App, MeshPair Pair)> _meshes = [];

        internal (HttpApp App, MeshPair Pair) this[bool deny, bool http2] => _meshes[(deny, http2)];

        public async ValueTask InitializeAsync()
        {
            foreach (var http2 in (bool[])[false, true])
            {
                await StartAsync(deny: true, http2, new("shop/no-admin", AuthorizationAction.Deny,
                    [new AuthorizationRuleConfig { Paths = ["/admin", "/admin/*"] }, new AuthorizationRuleConfig { Methods = ["DELETE"] }]));
                await StartAsync(deny: false, http2, new("shop/items", AuthorizationAction.Allow, [new AuthorizationRuleConfig { Methods = ["GET"], Paths = ["/items", "/items/*"] }]));
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var (app, pair) in _meshes.Values)
            {
                await pair.DisposeAsync();
                await app.DisposeAsync();
            }
        }

        private async Task StartAsync(bool deny, bool http2, AuthorizationPolicyConfig policy)
        {
            var app = await HttpApp.StartAsync("orders", protocols: http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
            _meshes[(deny, http2)] = (app, await MeshPair.StartAsync(app.Port, configure: plane => plane.Authorization = [policy]));
        }
    }
}
