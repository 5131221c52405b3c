using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>
/// What no client should send, to every port: refused, counted and logged, and what others send goes on.
/// </summary>
public sealed class GarbageTests
{
    private const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    // A SETTINGS frame on a stream, which is a connection error (RFC 9113 §6.5), behind a good preface.
    private const string BadSettings = Preface + "\0\0\0\x4\0\0\0\0\x1";

    /// <summary>Name, bytes, and what the answer begins with: nothing where the connection is just closed.</summary>
    private static readonly (string What, string Bytes, string Answer)[] BadHttp =
    [
        ("no colon in a header", "GET / HTTP/1.1\r\nHost: orders\r\nBad Header\r\n\r\n", "HTTP/1.1 400 "),
        ("an unknown version", "GET / HTTP/1.7\r\nHost: orders\r\n\r\n", "HTTP/1.1 505 "),
        ("no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        ("a request line too long", $"GET /{new string('a', 20_000)} HTTP/1.1\r\nHost: orders\r\n\r\n", "HTTP/1.1 414 "),
        ("headers too long", $"GET / HTTP/1.1\r\nHost: orders\r\n{string.Concat(Enumerable.Repeat($"X: {new string('a', 10_000)}\r\n", 8))}\r\n", "HTTP/1.1 431 "),
        ("300 headers", $"GET / HTTP/1.1\r\nHost: orders\r\n{string.Concat(Enumerable.Repeat("X: a\r\n", 300))}\r\n", "HTTP/1.1 431 "),
        ("a frame out of place", BadSettings, "\0"),
        ("noise as frames", Preface + Noise(1, 200), "\0"),
    ];

    [Fact]
    public async Task Outbound_Garbage_IsRefusedAndCounted()
    {
        await using var mesh = await World.StartAsync();

        await mesh.EachIsRefusedAsync(mesh.Client, "outbound", mesh.Client.OutboundAddress,
        [
            .. BadHttp,
            ("noise", "\x80" + Noise(2, 500), ""),
            ("another protocol", "EHLO client.example\r\n", ""),
            ("TLS", "\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03" + new string('r', 32) + "\0\0\x02\x13\x01\x01\0\0\0", ""),
            ("a CONNECT without end", "CONNECT orders:80 HTTP/1.1\r\nX: " + new string('a', 20_000), "HTTP/1.1 400 "),
            ("a CONNECT that is none", "CONNECT  orders:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        ]);
    }

    [Fact]
    public async Task Inbound_Garbage_IsRefusedAndCounted()
    {
        await using var mesh = await World.StartAsync();

        await mesh.EachIsRefusedAsync(mesh.Server, "inbound", mesh.Server.InboundAddress, BadHttp);
    }

    [Fact]
    public async Task Inbound_StrictAndNoTls_IsRefusedAndCounted()
    {
        await using var mesh = await World.StartAsync(Model.MtlsMode.Strict);

        await mesh.EachIsRefusedAsync(mesh.Server, "inbound", mesh.Server.InboundAddress,
        [
            ("noise", "\x80" + Noise(3, 500), ""),
            ("another protocol", "EHLO client.example\r\n", ""),
            ("the application's own TLS", "\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03" + new string('r', 32) + "\0\0\x02\x13\x01\x01\0\0\0", ""),
            ("half a ClientHello, and then nothing", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", ""),
            ("silence", "", ""),
        ], reason: "denied");
    }

    [Theory]
    [InlineData("admin")]
    [InlineData("telemetry")]
    public async Task OperatorsPorts_Garbage_IsRefusedAndCounted(string listener)
    {
        await using var mesh = await World.StartAsync();

        await mesh.EachIsRefusedAsync(mesh.Client, listener, listener == "admin" ? mesh.Client.Server.AdminAddress : mesh.Client.Server.TelemetryAddress,
        [
            .. BadHttp.Where(bad => !bad.Bytes.StartsWith(Preface, StringComparison.Ordinal)),
            ("noise", "\x80" + Noise(4, 500), "HTTP/1.1 400 "),
            ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/1.1 400 "),
            ("HTTP/2", Preface + "\0\0\0\x4\0\0\0\0\0", "\0"),
        ]);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "tls")]
    [InlineData(SslProtocols.None, "tls")]
    public async Task Inbound_BadHandshake_IsRefusedAndCounted(SslProtocols version, string result)
    {
        await using var mesh = await World.StartAsync();
        var before = await Scrape.OfAsync(mesh.Server);

        if (version == SslProtocols.None)
        {
            // A good ClientHello, then noise where its answer should be.
            using var wire = await Wire.OpenAsync(mesh.Server.InboundAddress);
            await wire.SendAsync(MeshHello);
            await wire.ReadAsync(5);
            await wire.SendAsync("\x17\x03\x03\x00\x20" + Noise(5, 32));
            await wire.EndsByFinAsync();
        }
        else
        {
            (await TlsPeer.IsServedAsync(mesh.Server.InboundAddress, certificate: null, version, MeshTls.Http)).ShouldBeFalse();
        }

        await mesh.CountedAsync(mesh.Server, before, "meshlite_handshakes_total", ("direction", "inbound"), ("result", result));
        await mesh.GoesOnAsync("after a bad handshake");
    }

    [Theory]
    [InlineData("outbound")]
    [InlineData("inbound")]
    [InlineData("admin")]
    [InlineData("telemetry")]
    public async Task HalfOpenConnections_ByTheHundred_DisturbNobody(string listener)
    {
        await using var mesh = await World.StartAsync();
        var address = mesh.Address(listener);
        var half = new List<Wire>();
        for (var i = 0; i < 300; i++)
        {
            var wire = await Wire.OpenAsync(address);
            half.Add(wire);
            await wire.SendAsync((i % 3) switch { 0 => "", 1 => "GET / HT", _ => "GET / HTTP/1.1\r\nHost: or" });
        }

        await mesh.GoesOnAsync("while 300 are half open");
        half.ForEach(wire => wire.Dispose());
        await mesh.GoesOnAsync("after 300 were left half open");
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(mesh.Client)).Sum("meshlite_connections") <= 2, "the half open connections are gone");
    }

    [Fact]
    public void SlowHeaders_Limit_IsHalfAMinute()
    {
        var kestrel = new Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions();
        Sidecar.Listeners.MeshServerLimits.Apply(kestrel);

        kestrel.Limits.RequestHeadersTimeout.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("outbound")]
    [InlineData("inbound")]
    [InlineData("admin")]
    [InlineData("telemetry")]
    public async Task SlowHeaders_BeyondTheLimit_AreRefusedWith408(string listener)
    {
        await using var mesh = await World.StartAsync(limits: limits => limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1));
        var sidecar = listener == "inbound" ? mesh.Server : mesh.Client;
        var before = await Scrape.OfAsync(sidecar);
        using var wire = await Wire.OpenAsync(mesh.Address(listener));
        await wire.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nX: ");

        using var stop = new CancellationTokenSource();
        var dripping = Task.Run(async () =>
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    await wire.SendAsync("a");
                    await Task.Delay(50);
                }
            }
            catch (SocketException)
            {
                // Closed.
            }
        });

        (await wire.ReadMessageAsync(hasBody: false)).ShouldNotBeNull().Status.ShouldBe(408);
        await stop.CancelAsync();
        await dripping;
        await mesh.CountedAsync(sidecar, before, "meshlite_connections_refused_total", ("listener", listener), ("reason", "request_timeout"));
        await mesh.GoesOnAsync("after a slow client");
    }

    [Fact]
    public async Task SlowRequestLine_ToOutbound_IsTakenForAnotherProtocolAfterASecond()
    {
        await using var mesh = await World.StartAsync();
        var before = await Scrape.OfAsync(mesh.Client);
        using var wire = await Wire.OpenAsync(mesh.Client.OutboundAddress);

        await wire.SendAsync("GET / HT");
        await wire.EndsByFinAsync();

        await mesh.CountedAsync(mesh.Client, before, "meshlite_connections_refused_total", ("listener", "outbound"), ("reason", "protocol_error"));
    }

    // ALPN meshlite-http/1, TLS 1.3 with a P-256 share: enough for a server to answer.
    private static byte[] MeshHello
    {
        get
        {
            byte[] alpn = [0, 16, 0, 18, 0, 16, 15, .. "meshlite-http/1"u8];
            byte[] versions = [0, 43, 0, 3, 2, 3, 4];
            byte[] groups = [0, 10, 0, 4, 0, 2, 0, 23];
            byte[] algorithms = [0, 13, 0, 4, 0, 2, 4, 3];
            using var key = System.Security.Cryptography.ECDiffieHellman.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
            var point = key.ExportParameters(false).Q;
            byte[] share = [0, 51, 0, 71, 0, 69, 0, 23, 0, 65, 4, .. point.X!, .. point.Y!];
            byte[] extensions = [.. alpn, .. versions, .. groups, .. algorithms, .. share];
            byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, (byte)(extensions.Length >> 8), (byte)extensions.Length, .. extensions];
            byte[] handshake = [1, 0, (byte)(body.Length >> 8), (byte)body.Length, .. body];
            return [22, 3, 1, (byte)(handshake.Length >> 8), (byte)handshake.Length, .. handshake];
        }
    }

    private static string Noise(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return Encoding.Latin1.GetString(bytes);
    }

    /// <summary>A pair whose sidecars' logs are kept, and an application that answers "ok".</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly MeshFixture _mesh;
        private readonly WireApp _app;

        private World(MeshFixture mesh, WireApp app, SidecarComponents client, SidecarComponents server, LogCapture logs)
        {
            _mesh = mesh;
            _app = app;
            Client = client;
            Server = server;
            Logs = logs;
        }

        public SidecarComponents Client { get; }

        public SidecarComponents Server { get; }

        public LogCapture Logs { get; }

        public static async Task<World> StartAsync(
            Model.MtlsMode mtls = Model.MtlsMode.Permissive, Action<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerLimits>? limits = null)
        {
            var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            var logs = new LogCapture();
            var mesh = await MeshFixture.StartAsync();
            mesh.ControlPlane.Mtls = mtls;
            var server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Logs = logs, Limits = limits });
            var client = await mesh.SidecarAsync(new TestSidecar("frontend") { Logs = logs, Limits = limits });
            mesh.Service("orders", server);
            return new World(mesh, app, client, server, logs);
        }

        public IPEndPoint Address(string listener) => listener switch
        {
            "outbound" => Client.OutboundAddress,
            "inbound" => Server.InboundAddress,
            "admin" => Client.Server.AdminAddress,
            _ => Client.Server.TelemetryAddress,
        };

        public async Task EachIsRefusedAsync(
            SidecarComponents sidecar, string listener, IPEndPoint address, IReadOnlyCollection<(string What, string Bytes, string Answer)> all, string reason = "protocol_error")
        {
            foreach (var (what, bytes, answer) in all)
            {
                var before = await Scrape.OfAsync(sidecar);
                var logged = Refusals(listener);

                var heard = await AnswerAsync(address, bytes);

                heard.ShouldStartWith(answer, customMessage: what);
                if (answer.Length == 0)
                {
                    heard.ShouldBeEmpty(what);
                }

                await CountedAsync(sidecar, before, "meshlite_connections_refused_total", ("listener", listener), ("reason", reason));
                await Eventually.TrueAsync(() => Refusals(listener) > logged, $"a log line about {what}");
                await GoesOnAsync($"after {what}");
            }
        }

        public async Task CountedAsync(SidecarComponents sidecar, Scrape before, string name, params (string, string)[] labels)
        {
            await Eventually.TrueAsync(async () => (await Scrape.OfAsync(sidecar)).Sum(name, labels) > before.Sum(name, labels),
                $"{name}{{{string.Join(',', labels)}}} counts it; there is: {string.Join('\n', (await Scrape.OfAsync(sidecar)).Text.Split('\n').Where(l => l.StartsWith(name, StringComparison.Ordinal)))}");
        }

        /// <summary>A request to the application, one to each port of the operators.</summary>
        public async Task GoesOnAsync(string when)
        {
            using var http = MeshFixture.Client(Client);
            (await http.GetStringAsync(new Uri("http://orders/"))).ShouldBe("ok", when);
            using var direct = new HttpClient();
            (await direct.GetAsync(new Uri($"http://{Client.Server.AdminAddress}/stats"))).StatusCode.ShouldBe(HttpStatusCode.OK, when);
            (await direct.GetAsync(new Uri($"http://{Client.Server.TelemetryAddress}/ready"))).StatusCode.ShouldBe(HttpStatusCode.OK, when);
        }

        public async ValueTask DisposeAsync()
        {
            await _mesh.DisposeAsync();
            await _app.DisposeAsync();
        }

        private int Refusals(string listener) => Logs.Lines.Count(line => line.StartsWith($"ConnectionRefused: {listener}: connection from 127.0.0.1:", StringComparison.Ordinal));

        /// <summary>All the server says until it ends the connection.</summary>
        private static async Task<string> AnswerAsync(IPEndPoint address, string bytes)
        {
            using var wire = await Wire.OpenAsync(address);
            var answer = new StringBuilder();
            try
            {
                await wire.SendAsync(bytes);
                while (await wire.ReadAsync(1) is { Length: 1 } read)
                {
                    answer.Append((char)read[0]);
                }
            }
            catch (SocketException)
            {
                // Reset: what came before it stands.
            }

            return answer.ToString();
        }
    }
}
