using System.Net;
using System.Security.Cryptography;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Sidecars whose control plane is away, or refuses them.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task Start_WithoutControlPlane_WaitsSaysWhyAndTriesAgain()
    {
        var logs = new LogCapture();
        await using var mesh = await MeshFixture.StartAsync();
        await mesh.StopControlPlaneAsync();
        var sidecar = await mesh.UnreadySidecarAsync(new TestSidecar("frontend") { Logs = logs });

        var ready = MeshFixture.ReadyAsync(sidecar);
        await Eventually.TrueAsync(async () => (await ReadyAsync(sidecar)).Contains("refused", StringComparison.Ordinal), "/ready says that the connection is refused");
        (await ReadyAsync(sidecar)).ShouldStartWith("503 no certificate: ");
        await Eventually.TrueAsync(() => logs.Lines.Count(line => line.StartsWith("CertifyFailed", StringComparison.Ordinal)) >= 3, "three attempts");
        ready.IsCompleted.ShouldBeFalse();
        (await Scrape.OfAsync(sidecar)).Text.ShouldNotBeEmpty("telemetry answers from the start");

        await mesh.RestartControlPlaneAsync();
        await ready;

        (await ReadyAsync(sidecar)).ShouldBe("200 ready\n");
    }

    [Fact]
    public async Task Start_ConfigurationRefused_SaysWhy()
    {
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.RefuseStreams = true;
        var sidecar = await mesh.UnreadySidecarAsync(new TestSidecar("frontend"));

        var ready = MeshFixture.ReadyAsync(sidecar);

        await Eventually.TrueAsync(async () => await ReadyAsync(sidecar) == "503 no configuration: streams are refused\n", "/ready says why");
        mesh.ControlPlane.RefuseStreams = false;
        await ready;
    }

    [Fact]
    public async Task Restart_WithoutControlPlane_ServesWithWhatItKept()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Name = "orders-0" });
        var client = await mesh.SidecarAsync(new TestSidecar("frontend") { Name = "frontend-0" });
        mesh.Service("orders", server);
        await GetAsync(client, HttpStatusCode.OK);
        var address = server.InboundAddress;
        var certificate = client.Identity.Current!.Context.TargetCertificate.SerialNumber;

        // A clean end keeps the newest configuration; the certificate was kept when it came.
        await mesh.EndAsync(client);
        await mesh.EndAsync(server);
        await mesh.StopControlPlaneAsync();
        server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Name = "orders-0", Options = o => o with { Inbound = address } });
        client = await mesh.SidecarAsync(new TestSidecar("frontend") { Name = "frontend-0" });

        await GetAsync(client, HttpStatusCode.OK);
        client.Identity.Current!.Context.TargetCertificate.SerialNumber.ShouldBe(certificate);
        app.Received.Last().Header("meshlite-client-id").ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
        (await ReadyAsync(client)).ShouldBe("200 ready\n");
    }

    [Fact]
    public async Task ControlPlane_Gone_LeavesTheLastGoodInForceAndItsAgeGrows()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        await GetAsync(pair.Client, HttpStatusCode.OK);
        var other = await pair.Mesh.SidecarAsync(new TestSidecar("other") { Options = options => options with { FirstAnswerTimeout = TimeSpan.FromSeconds(1) } });
        await pair.Mesh.StopControlPlaneAsync();

        var before = (await Scrape.OfAsync(pair.Client)).Sum("meshlite_config_age_seconds");
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(pair.Client)).Sum("meshlite_config_age_seconds") > before + 0.3, "the configuration grows old");

        await GetAsync(pair.Client, HttpStatusCode.OK);
        (await ReadyAsync(pair.Client)).ShouldBe("200 ready\n");
        // What nobody asked for before can't be known now.
        using var http = MeshFixture.Client(other);
        using var response = await http.GetAsync(new Uri("http://inventory/"));
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.GetValues("meshlite-error").ShouldBe(["destination_unknown"]);
    }

    [Theory]
    [InlineData("another namespace", "namespace 'other', this workload is in 'shop'")]
    [InlineData("expired", "expired")]
    [InlineData("forged", "not signed by this mesh")]
    [InlineData("no token", "token")]
    [InlineData("missing", "cannot read the token")]
    public async Task Token_ThatProvesNothing_IsRefusedWithItsReasonAndNeverLogged(string fault, string reason)
    {
        var logs = new LogCapture();
        await using var mesh = await MeshFixture.StartAsync();
        using var stranger = ECDsa.Create(SvidProfile.Curve);
        var token = fault switch
        {
            "another namespace" => mesh.ControlPlane.CreateToken("other", "frontend"),
            "expired" => mesh.ControlPlane.CreateToken("shop", "frontend", TimeSpan.FromHours(-1)),
            "forged" => JoinToken.Create(stranger, "shop", "frontend", TimeSpan.FromHours(1), TimeProvider.System),
            "no token" => "three-words-secret",
            _ => mesh.ControlPlane.CreateToken("shop", "frontend"),
        };
        var sidecar = await mesh.UnreadySidecarAsync(new TestSidecar("frontend")
        {
            Token = token,
            Logs = logs,
            Options = o => o with { Namespace = "shop", TokenFile = fault == "missing" ? o.TokenFile + ".not" : o.TokenFile },
        });
        using var patience = new CancellationTokenSource();

        var ready = SidecarStartup.WaitAsync(sidecar, patience.Token);

        await Eventually.TrueAsync(
            async () => (await ReadyAsync(sidecar)).Contains(reason, StringComparison.OrdinalIgnoreCase), $"/ready says '{reason}', but not: {await ReadyAsync(sidecar)}");
        (await ReadyAsync(sidecar)).ShouldStartWith("503 no certificate: ");
        logs.Lines.ShouldContain(line => line.StartsWith("CertifyFailed", StringComparison.Ordinal) && line.Contains(reason, StringComparison.OrdinalIgnoreCase));
        logs.Lines.ShouldNotContain(line => line.Contains(token, StringComparison.Ordinal));
        // Nor the part of it that makes it good.
        logs.Lines.ShouldNotContain(line => line.Contains(token.Substring(token.LastIndexOf('.') + 1), StringComparison.Ordinal));
        await patience.CancelAsync();
        (await ready).ShouldBeFalse();
    }

    private static async Task GetAsync(SidecarComponents through, HttpStatusCode expected)
    {
        using var http = MeshFixture.Client(through);
        using var response = await http.GetAsync(new Uri("http://orders/"));
        response.StatusCode.ShouldBe(expected, await response.Content.ReadAsStringAsync());
    }

    private static async Task<string> ReadyAsync(SidecarComponents sidecar)
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri($"http://{sidecar.Server.TelemetryAddress}/ready"));
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }
}
