using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class TlsHandshakeTests
{
    private readonly Handshakes _mesh = new();

    /// <summary>What is wrong with a certificate, and how the other end names it.</summary>
    public static TheoryData<string, PeerFailure> BadCertificates => new()
    {
        { "expired", PeerFailure.Expired },
        { "not yet valid", PeerFailure.NotYetValid },
        { "other authority", PeerFailure.UnknownAuthority },
        { "other authority of the same name", PeerFailure.UnknownAuthority },
        { "self-signed", PeerFailure.UnknownAuthority },
        { "expired of other authority", PeerFailure.UnknownAuthority },
        { "other trust domain", PeerFailure.WrongTrustDomain },
        { "two URIs", PeerFailure.NoSpiffeId },
        { "DNS name only", PeerFailure.NoSpiffeId },
        { "no names", PeerFailure.NoSpiffeId },
        { "URI of another form", PeerFailure.NoSpiffeId },
        { "authority as leaf", PeerFailure.InvalidCertificate },
        { "signs certificates", PeerFailure.InvalidCertificate },
        { "no key usage", PeerFailure.InvalidCertificate },
        { "for neither role", PeerFailure.WrongUsage },
        { "no extended key usage", PeerFailure.WrongUsage },
    };

    [Theory]
    [InlineData("meshlite-http/1")]
    [InlineData("meshlite-tcp/1")]
    public async Task Handshake_TwoWorkloads_EachKnowsTheOther(string protocol)
    {
        var server = ServerTls.Prepare(_mesh.Workload(Handshakes.Orders));
        var client = ClientTls.Prepare(
            _mesh.Workload(Handshakes.Frontend), SpiffeId.Parse(Handshakes.Orders), Handshakes.Endpoint, new SslApplicationProtocol(protocol));

        var ends = await Handshakes.RunAsync(server, client);

        ends.ServerError.ShouldBeNull();
        ends.ClientError.ShouldBeNull();
        ends.ServerSees.Id!.ToString().ShouldBe(Handshakes.Frontend);
        ends.ClientSees.Id!.ToString().ShouldBe(Handshakes.Orders);
        ends.ServerSees.ExpiresAt.ShouldBe(_mesh.Time.GetUtcNow() + TimeSpan.FromHours(1) + new TestLeaf().From);
        ends.Protocol.ToString().ShouldBe(protocol);
        (ends.ServerOutcome, ends.ClientOutcome).ShouldBe(("ok", "ok"));
    }

    [Theory]
    [MemberData(nameof(BadCertificates))]
    public async Task Handshake_BadClientCertificate_ServerRefuses(string fault, PeerFailure reason)
    {
        var server = ServerTls.Prepare(_mesh.Workload(Handshakes.Orders));
        var client = ClientTls.Prepare(
            _mesh.Workload(Bad(fault), Handshakes.Frontend), SpiffeId.Parse(Handshakes.Orders), Handshakes.Endpoint, MeshTls.Http);

        var ends = await Handshakes.RunAsync(server, client);

        ends.ServerError.ShouldBeOfType<AuthenticationException>();
        ends.ServerSees.Failure.ShouldBe(reason);
        ends.ServerSees.Id.ShouldBeNull();
        ends.ServerOutcome.ShouldBe(reason.ToLabel());
        ends.ClientError.ShouldNotBeNull();
    }

    [Theory]
    [MemberData(nameof(BadCertificates))]
    public async Task Handshake_BadServerCertificate_ClientRefuses(string fault, PeerFailure reason)
    {
        var server = ServerTls.Prepare(_mesh.Workload(Bad(fault), Handshakes.Orders));
        var client = ClientTls.Prepare(
            _mesh.Workload(Handshakes.Frontend), SpiffeId.Parse(Handshakes.Orders), Handshakes.Endpoint, MeshTls.Http);

        var ends = await Handshakes.RunAsync(server, client);

        ends.ClientError.ShouldBeOfType<AuthenticationException>();
        ends.ClientSees.Failure.ShouldBe(reason);
        ends.ClientOutcome.ShouldBe(reason.ToLabel());
        ends.ServerError.ShouldNotBeNull();
    }

    [Fact]
    public async Task Handshake_ServerOfAnotherIdentity_ClientRefuses()
    {
        var server = ServerTls.Prepare(_mesh.Workload("spiffe://cluster.local/ns/shop/sa/inventory"));
        var client = ClientTls.Prepare(
            _mesh.Workload(Handshakes.Frontend), SpiffeId.Parse(Handshakes.Orders), Handshakes.Endpoint, MeshTls.Http);

        var ends = await Handshakes.RunAsync(server, client);

        ends.ClientError.ShouldBeOfType<AuthenticationException>();
        ends.ClientSees.Failure.ShouldBe(PeerFailure.ServerNotExpected);
    }

    [Fact]
    public async Task Handshake_NoClientCertificate_ServerRefuses()
    {
        var server = ServerTls.Prepare(_mesh.Workload(Handshakes.Orders));

        var ends = await Handshakes.RunAsync(server.Options, Anyone());

        ends.ServerError.ShouldBeOfType<AuthenticationException>();
        server.Result.Failure.ShouldBe(PeerFailure.NoCertificate);
    }

    [Fact]
    public async Task Handshake_ClientOfTls12_ServerRefuses()
    {
        var server = ServerTls.Prepare(_mesh.Workload(Handshakes.Orders));
        var client = Anyone();
        client.EnabledSslProtocols = SslProtocols.Tls12;
        client.ClientCertificateContext = _mesh.Workload(Handshakes.Frontend).Context;

        var ends = await Handshakes.RunAsync(server.Options, client);

        ends.ServerError.ShouldBeOfType<AuthenticationException>();
        server.Outcome(ends.ServerError).ShouldBe("tls");
    }

    [Fact]
    public async Task Handshake_ServerOfTls12_ClientRefuses()
    {
        var client = ClientTls.Prepare(
            _mesh.Workload(Handshakes.Frontend), SpiffeId.Parse(Handshakes.Orders), Handshakes.Endpoint, MeshTls.Http);
        var server = ServerTls.Prepare(_mesh.Workload(Handshakes.Orders)).Options;
        server.EnabledSslProtocols = SslProtocols.Tls12;

        var ends = await Handshakes.RunAsync(server, client.Options);

        ends.ClientError.ShouldNotBeNull();
        client.Result.Id.ShouldBeNull();
    }

    [Theory]
    [InlineData("h2")]
    [InlineData("meshlite-http/2")]
    public async Task Handshake_OtherAlpn_ServerRefuses(string protocol)
    {
        var server = ServerTls.Prepare(_mesh.Workload(Handshakes.Orders));
        var client = ClientTls.Prepare(
            _mesh.Workload(Handshakes.Frontend), SpiffeId.Parse(Handshakes.Orders), Handshakes.Endpoint, new SslApplicationProtocol(protocol));

        var ends = await Handshakes.RunAsync(server, client);

        ends.ServerError.ShouldBeOfType<AuthenticationException>();
        ends.ServerOutcome.ShouldBe("tls");
    }

    [Fact]
    public async Task Handshake_BundleOfTwoRoots_AcceptsPeersOfBoth()
    {
        var second = new TestAuthority(_mesh.Time, "CN=second root");
        var server = _mesh.Workload(Handshakes.Orders, _mesh.Root, second);
        foreach (var authority in new[] { _mesh.Root, second })
        {
            var own = _mesh.Workload(authority.Issue(TestLeaf.For(Handshakes.Frontend)), Handshakes.Frontend);
            var ends = await Handshakes.RunAsync(
                ServerTls.Prepare(server), ClientTls.Prepare(own, server.Id, Handshakes.Endpoint, MeshTls.Http));

            ends.ServerError.ShouldBeNull();
            ends.ServerSees.Id!.ToString().ShouldBe(Handshakes.Frontend);
        }
    }

    [Fact]
    public async Task Handshake_IntermediateAuthority_TravelsWithTheLeaf()
    {
        var intermediate = _mesh.Root.Intermediate();
        var bundle = TrustBundle.FromCertificates([_mesh.Root.Public]);
        WorkloadCertificate Make(string id) => WorkloadCertificate.Create(
            SpiffeId.Parse(id), intermediate.Issue(TestLeaf.For(id)), [intermediate.Public], DateTimeOffset.MaxValue, bundle, _mesh.Time);
        var server = Make(Handshakes.Orders);

        var ends = await Handshakes.RunAsync(
            ServerTls.Prepare(server), ClientTls.Prepare(Make(Handshakes.Frontend), server.Id, Handshakes.Endpoint, MeshTls.Tcp));

        ends.ServerError.ShouldBeNull();
        ends.ClientError.ShouldBeNull();
        server.AllowTlsResume.ShouldBeFalse();
    }

    private SslClientAuthenticationOptions Anyone() => new()
    {
        TargetHost = "orders",
        ApplicationProtocols = [MeshTls.Http],
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
        CertificateChainPolicy = MeshTls.NoPolicy(),
    };

    private X509Certificate2 Bad(string fault)
    {
        var good = new TestLeaf();
        return fault switch
        {
            "expired" => _mesh.Root.Issue(good with { From = TimeSpan.FromMinutes(-30), Lifetime = TimeSpan.FromMinutes(29) }),
            "not yet valid" => _mesh.Root.Issue(good with { From = TimeSpan.FromMinutes(1) }),
            "other authority" => new TestAuthority(_mesh.Time, "CN=other").Issue(good),
            "other authority of the same name" => new TestAuthority(_mesh.Time).Issue(good),
            "self-signed" => TestAuthority.SelfSigned(good, _mesh.Time),
            "expired of other authority" => new TestAuthority(_mesh.Time, "CN=other").Issue(good with { From = TimeSpan.FromHours(-2) }),
            "other trust domain" => _mesh.Root.Issue(TestLeaf.For("spiffe://example.org/ns/shop/sa/orders")),
            "two URIs" => _mesh.Root.Issue(good with { Uris = [Handshakes.Orders, Handshakes.Frontend] }),
            "DNS name only" => _mesh.Root.Issue(good with { Uris = [], DnsNames = ["orders.shop"] }),
            "no names" => _mesh.Root.Issue(good with { Uris = [] }),
            "URI of another form" => _mesh.Root.Issue(good with { Uris = ["https://cluster.local/ns/shop/sa/orders"] }),
            "authority as leaf" => _mesh.Root.Issue(good with { IsAuthority = true }),
            "signs certificates" => _mesh.Root.Issue(good with { KeyUsage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign }),
            "no key usage" => _mesh.Root.Issue(good with { KeyUsage = X509KeyUsageFlags.None }),
            "for neither role" => _mesh.Root.Issue(good with { Usages = ["1.3.6.1.5.5.7.3.3"] }),
            "no extended key usage" => _mesh.Root.Issue(good with { Usages = [] }),
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        };
    }
}
