using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Who may be called, and by whom: each hop proves both its ends, or there is none. What proves nothing: <see cref="Proofs.RefusedProofTests"/>.</summary>
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
