using System.Net;
using System.Security.Authentication;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Who may be called, and by whom: each hop proves both its ends, or there is none.</summary>
public sealed class MutualTlsTests
{
    private const string Orders = "spiffe://cluster.local/ns/shop/sa/orders";
    private static readonly RouteRuleConfig Rule = new() { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] };

    [Fact]
    public async Task Server_OfAnotherIdentityThanItsEndpoint_IsNotCalled()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service(Rule, "orders", (server.InboundAddress, SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/payments")));

        await ShouldBeRefusedAsync(client, "server_not_expected", "belongs to another workload");

        app.Received.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("other authority", "unknown_authority", "not signed by a root")]
    [InlineData("expired", "expired", "has expired")]
    [InlineData("not yet valid", "not_yet_valid", "not valid yet")]
    [InlineData("other trust domain", "wrong_trust_domain", "another trust domain")]
    [InlineData("a certificate authority's", "invalid_certificate", "not a workload's")]
    [InlineData("no SPIFFE ID", "no_spiffe_id", "exactly one SPIFFE ID")]
    [InlineData("two SPIFFE IDs", "no_spiffe_id", "exactly one SPIFFE ID")]
    [InlineData("for clients only", "wrong_usage", "not for this use")]
    [InlineData("no mesh protocol", "no_mesh_alpn", "not a mesh sidecar")]
    [InlineData("another protocol of the mesh", "tls", "TLS with")]
    public async Task Server_ThatProvesNothing_IsNotCalled(string fault, string result, string sentence)
    {
        await using var mesh = await MeshFixture.StartAsync();
        var authority = TlsPeer.AuthorityOf(mesh.ControlPlane);
        using var certificate = fault switch
        {
            "other authority" => new TestAuthority(TimeProvider.System).Issue(TestLeaf.For(Orders)),
            "expired" => authority.Issue(TestLeaf.For(Orders) with { From = TimeSpan.FromHours(-2) }),
            "not yet valid" => authority.Issue(TestLeaf.For(Orders) with { From = TimeSpan.FromHours(1) }),
            "other trust domain" => authority.Issue(TestLeaf.For("spiffe://elsewhere/ns/shop/sa/orders")),
            "a certificate authority's" => authority.Issue(TestLeaf.For(Orders) with { IsAuthority = true }),
            "no SPIFFE ID" => authority.Issue(TestLeaf.For(Orders) with { Uris = [], DnsNames = ["orders"] }),
            "two SPIFFE IDs" => authority.Issue(TestLeaf.For(Orders) with { Uris = [Orders, "spiffe://cluster.local/ns/shop/sa/frontend"] }),
            "for clients only" => authority.Issue(TestLeaf.For(Orders) with { Usages = [TestLeaf.BothUsages[1]] }),
            _ => authority.Issue(TestLeaf.For(Orders)),
        };
        await using var server = fault switch
        {
            "no mesh protocol" => TlsPeer.Server(certificate),
            "another protocol of the mesh" => TlsPeer.Server(certificate, MeshTls.Tcp),
            _ => TlsPeer.Server(certificate, MeshTls.Http),
        };
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service(Rule, "orders", (new IPEndPoint(IPAddress.Loopback, server.Port), SpiffeId.Parse(Orders)));

        await ShouldBeRefusedAsync(client, result, sentence);
    }

    [Theory]
    [InlineData("none", "no_certificate")]
    [InlineData("other authority", "unknown_authority")]
    [InlineData("signed by itself", "unknown_authority")]
    [InlineData("expired", "expired")]
    [InlineData("not yet valid", "not_yet_valid")]
    [InlineData("other trust domain", "wrong_trust_domain")]
    [InlineData("no SPIFFE ID", "no_spiffe_id")]
    [InlineData("two SPIFFE IDs", "no_spiffe_id")]
    [InlineData("a SPIFFE ID of another form", "no_spiffe_id")]
    [InlineData("a certificate authority's", "invalid_certificate")]
    [InlineData("for servers only", "wrong_usage")]
    public async Task Client_ThatProvesNothing_IsNotServed(string fault, string result)
    {
        var logs = new LogCapture();
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Logs = logs });
        var authority = TlsPeer.AuthorityOf(mesh.ControlPlane);
        var leaf = TestLeaf.For("spiffe://cluster.local/ns/shop/sa/frontend");
        using var good = authority.Issue(leaf);
        (await TlsPeer.IsServedAsync(server.InboundAddress, good)).ShouldBeTrue();

        using var bad = fault switch
        {
            "none" => null,
            "other authority" => new TestAuthority(TimeProvider.System).Issue(leaf),
            "signed by itself" => TestAuthority.SelfSigned(leaf, TimeProvider.System),
            "expired" => authority.Issue(leaf with { From = TimeSpan.FromHours(-2) }),
            "not yet valid" => authority.Issue(leaf with { From = TimeSpan.FromHours(1) }),
            "other trust domain" => authority.Issue(TestLeaf.For("spiffe://elsewhere/ns/shop/sa/frontend")),
            "no SPIFFE ID" => authority.Issue(leaf with { Uris = [], DnsNames = ["frontend"] }),
            "two SPIFFE IDs" => authority.Issue(leaf with { Uris = [.. leaf.Uris, Orders] }),
            "a SPIFFE ID of another form" => authority.Issue(TestLeaf.For("spiffe://cluster.local/frontend")),
            "a certificate authority's" => authority.Issue(leaf with { IsAuthority = true }),
            _ => authority.Issue(leaf with { Usages = [TestLeaf.BothUsages[0]] }),
        };
        (await TlsPeer.IsServedAsync(server.InboundAddress, bad)).ShouldBeFalse();

        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(server)).Sum("meshlite_handshakes_total", ("direction", "inbound"), ("result", result)) == 1, $"{result} is counted");
        logs.Lines.ShouldContain(line => line.StartsWith("ConnectionRefused: inbound: ", StringComparison.Ordinal) && line.Contains(result, StringComparison.Ordinal));
    }

    /// <summary>A ClientHello that ends too early, one of an older TLS, one that speaks none of the mesh's protocols: named and counted too.</summary>
    [Theory]
    [InlineData("TLS 1.2")]
    [InlineData("truncated")]
    public async Task Client_ThatShakesHandsInNoWayOfTheMesh_IsNotServed(string fault)
    {
        var logs = new LogCapture();
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Logs = logs });
        using var good = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For("spiffe://cluster.local/ns/shop/sa/frontend"));

        if (fault == "truncated")
        {
            var hello = await TlsPeer.ClientHelloAsync(good);
            using var wire = await Wire.OpenAsync(server.InboundAddress);
            await wire.SendAsync(hello);
            await wire.ReadAsync(10);
            wire.Reset();
        }
        else
        {
            (await TlsPeer.IsServedAsync(server.InboundAddress, good, SslProtocols.Tls12)).ShouldBeFalse();
        }

        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(server)).Sum("meshlite_handshakes_total", ("direction", "inbound")) == 1, "counted");
        (await Scrape.OfAsync(server)).Sum("meshlite_handshakes_total", ("direction", "inbound"), ("result", "ok")).ShouldBe(0);
        logs.Lines.ShouldContain(line => line.StartsWith("ConnectionRefused: inbound: ", StringComparison.Ordinal));
        app.Received.ShouldBeEmpty();
    }

    /// <summary>In TLS 1.3 the client learns of the refusal with its first read: nothing of the request has been taken, whatever was sent.</summary>
    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Client_WhoseCertificateTheServerRefuses_IsToldSoAndTriesElsewhere(string method)
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync("frontend");

        // A server whose own certificate is good.
        using var certificate = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For(Orders));
        await using var refusing = TlsPeer.Server(certificate, hangsUp: true, MeshTls.Http);
        var refused = (new IPEndPoint(IPAddress.Loopback, refusing.Port), SpiffeId.Parse(Orders));
        mesh.Service(Rule, "orders", refused);
        using var http = MeshFixture.Client(client);

        using (var request = Request(method))
        using (var response = await http.SendAsync(request))
        {
            response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
            (await response.Content.ReadAsStringAsync()).ShouldStartWith("tls_failure: ");
            (await response.Content.ReadAsStringAsync()).ShouldContain("before it said a word");
        }

        (await Scrape.OfAsync(client)).Sum("meshlite_handshakes_total", ("direction", "outbound"), ("result", "refused_by_peer")).ShouldBe(3);

        mesh.Policy = new ServicePolicyConfig { LoadBalancer = new() { Type = LoadBalancerType.RoundRobin } };
        mesh.Service(Rule, "orders", refused, (server.InboundAddress, server.Identity.Current!.Id));
        for (var i = 0; i < 6; i++)
        {
            using var request = Request(method);
            using var response = await http.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        }

        app.Received.Count.ShouldBe(6);
    }

    [Fact]
    public async Task Plaintext_ToAStrictInbound_IsDenied()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var pair = await MeshPair.StartAsync(app.Port, MtlsMode.Strict);
        using var direct = new HttpClient();

        using var http1 = await direct.GetAsync(new Uri($"http://{pair.Server.InboundAddress}/"));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{pair.Server.InboundAddress}/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var http2 = await direct.SendAsync(request);
        using var wire = await Wire.OpenAsync(pair.Server.InboundAddress);
        await wire.SendAsync("EHLO client.example\r\n");

        foreach (var response in (HttpResponseMessage[])[http1, http2])
        {
            response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            response.Headers.GetValues("meshlite-error").ShouldBe(["denied"]);
            (await response.Content.ReadAsStringAsync()).ShouldContain("only mTLS");
        }

        (await wire.EndsByFinAsync()).ShouldBeFalse();
        app.Received.ShouldBeEmpty();
        (await Scrape.OfAsync(pair.Server)).Requests("direction", "response_code", "reason", "tls").ShouldBe(["inbound 403 denied false 2"]);
        using var http = pair.Http();
        (await http.GetStringAsync(new Uri("http://orders/"))).ShouldBe("ok");
    }

    private static HttpRequestMessage Request(string method) => new(new HttpMethod(method), "http://orders/")
    {
        Content = method == "POST" ? new StringContent("body") : null,
    };

    private static async Task ShouldBeRefusedAsync(SidecarComponents client, string result, string sentence)
    {
        using var http = MeshFixture.Client(client);
        using var response = await http.GetAsync(new Uri("http://orders/"));

        response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        response.Headers.GetValues("meshlite-error").ShouldBe(["tls_failure"]);
        (await response.Content.ReadAsStringAsync()).ShouldContain(sentence);
        var scrape = await Scrape.OfAsync(client);
        // Each attempt is a handshake.
        scrape.Sum("meshlite_handshakes_total", ("direction", "outbound"), ("result", result)).ShouldBe(3, scrape.Text);
        scrape.Sum("meshlite_handshakes_total", ("direction", "outbound")).ShouldBe(3);

        // Recorded once the caller has it.
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(client)).Requests("response_code", "reason") is ["502 tls_failure 1"], "the record");
    }
}
