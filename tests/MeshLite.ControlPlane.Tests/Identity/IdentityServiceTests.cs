using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshLite.ControlPlane.Identity;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity;

public sealed class IdentityServiceTests
{
    [Fact]
    public async Task Certify_GoodToken_SignsForTheTokensIdentity()
    {
        await using var server = await IdentityServer.StartAsync();
        var (key, csr) = IdentityServer.MakeRequest();
        using var _ = key;

        var response = await server.CertifyAsync(csr, server.Token("shop", "orders"));

        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain.Single().Span);
        var verifier = new PeerVerifier(TrustBundle.FromDer(response.TrustBundle.Select(r => r.Memory)), "cluster.local", server.Time);
        verifier.Verify(certificate, null, PeerRole.Client).Id.ShouldBe(new SpiffeId("cluster.local", "shop", "orders"));
        server.Module.Certifications["token"].ShouldBe(1);
    }

    [Fact]
    public async Task Certify_CertificateStillHeld_RenewsTheSameIdentity()
    {
        await using var server = await IdentityServer.StartAsync();
        using var held = await server.JoinAsync("shop", "frontend");
        var (key, csr) = IdentityServer.MakeRequest();
        using var _ = key;

        var response = await server.CertifyAsync(csr, certificate: held);

        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain.Single().Span);
        SubjectNames.ReadSpiffeId(certificate).ShouldBe(new SpiffeId("cluster.local", "shop", "frontend"));
        server.Module.Certifications["renewal"].ShouldBe(1);
    }

    [Theory]
    [InlineData("none", "no_credentials", "neither a token")]
    [InlineData("garbage", "token_malformed", "is not a join token")]
    [InlineData("expired", "token_expired", "has expired")]
    [InlineData("of another mesh", "token_signature", "was not signed by this mesh")]
    [InlineData("for another audience", "token_audience", "meant for somebody else")]
    [InlineData("alg none", "token_algorithm", "not signed with ES256")]
    public async Task Certify_BadToken_IsUnauthenticated(string fault, string reason, string says)
    {
        await using var server = await IdentityServer.StartAsync();
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = JoinTokenKey.LoadOrCreate(server.Directory.Path);
        var token = fault switch
        {
            "none" => null,
            "garbage" => "garbage",
            "expired" => server.Token(lifetime: TimeSpan.Zero),
            "of another mesh" => JoinToken.Create(other, "shop", "orders", TimeSpan.FromHours(1), server.Time),
            "for another audience" => Sign(key, """{"alg":"ES256"}""", server.Time, "kube-apiserver"),
            "alg none" => Sign(key, """{"alg":"none"}""", server.Time, JoinToken.Audience),
            _ => throw new ArgumentOutOfRangeException(nameof(fault)),
        };

        var error = await RefusedAsync(server, token);

        error.Code.ShouldBe(GrpcStatusCode.Unauthenticated);
        error.Message.ShouldContain(says);
        server.Module.Certifications.Snapshot().ShouldBe(new Dictionary<string, long> { [reason] = 1 });
        server.Logs.ShouldContain(error.Message);
        if (token is not null)
        {
            server.Logs.ShouldNotContain(token);
        }
    }

    [Fact]
    public async Task Certify_AuthorizationOfAnotherScheme_IsUnauthenticated()
    {
        await using var server = await IdentityServer.StartAsync();

        var error = await RefusedAsync(server, server.Token(), scheme: "Basic");

        error.Code.ShouldBe(GrpcStatusCode.Unauthenticated);
        server.Module.Certifications["token_malformed"].ShouldBe(1);
    }

    [Fact]
    public async Task Certify_BadRequest_IsInvalidArgument()
    {
        await using var server = await IdentityServer.StartAsync();

        var error = await RefusedAsync(server, server.Token(), csr: [1, 2, 3]);

        error.Code.ShouldBe(GrpcStatusCode.InvalidArgument);
        error.Message.ShouldContain("PKCS#10");
        server.Module.Certifications["bad_request"].ShouldBe(1);
    }

    [Fact]
    public async Task Certify_TokenForTheControlPlanesIdentity_IsPermissionDenied()
    {
        await using var server = await IdentityServer.StartAsync();

        var error = await RefusedAsync(server, server.Token("meshlite-system", "meshlite-control-plane"));

        error.Code.ShouldBe(GrpcStatusCode.PermissionDenied);
        server.Module.Certifications["reserved_identity"].ShouldBe(1);
    }

    [Fact]
    public async Task Certify_RequestNamesAnother_CertificateIsTheTokens()
    {
        await using var server = await IdentityServer.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=admin", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri("spiffe://cluster.local/ns/bank/sa/admin"));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));

        var response = await server.CertifyAsync(request.CreateSigningRequest(), server.Token("shop", "orders"));

        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain.Single().Span);
        SubjectNames.ReadSpiffeId(certificate).ShouldBe(new SpiffeId("cluster.local", "shop", "orders"));
        certificate.Subject.ShouldBe("");
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeFalse();
    }

    /// <summary>A join token is for joining: it may have ended, or its key been replaced, long before the workload ends.</summary>
    [Theory]
    [InlineData("garbage")]
    [InlineData("expired")]
    public async Task Certify_JoinTokenBesideACertificate_TheCertificateRenews(string token)
    {
        await using var server = await IdentityServer.StartAsync();
        using var held = await server.JoinAsync("shop", "frontend");
        var (key, csr) = IdentityServer.MakeRequest();
        using var _ = key;

        var response = await server.CertifyAsync(csr, token == "expired" ? server.Token("bank", "admin", TimeSpan.Zero) : token, certificate: held);

        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain.Single().Span);
        SubjectNames.ReadSpiffeId(certificate).ShouldBe(new SpiffeId("cluster.local", "shop", "frontend"));
        server.Module.Certifications["renewal"].ShouldBe(1);
    }

    [Theory]
    [InlineData("expired", "expired")]
    [InlineData("of another authority", "unknown_authority")]
    public async Task Handshake_BadCertificate_IsRefusedAndCounted(string fault, string reason)
    {
        await using var server = await IdentityServer.StartAsync();
        using var held = fault == "expired" ? await server.JoinAsync() : new TestAuthority(server.Time).Issue(new TestLeaf());
        if (fault == "expired")
        {
            server.Time.Advance(TimeSpan.FromHours(25));
        }

        var error = await RefusedAsync(server, token: null, certificate: held);

        error.Code.ShouldBe(GrpcStatusCode.Unavailable);
        server.Module.RefusedHandshakes[reason].ShouldBeGreaterThanOrEqualTo(1);
        server.Module.Certifications[reason].ShouldBe(0);
    }

    [Fact]
    public async Task Apply_TrustDomainAndLifetime_HoldFromThenOn()
    {
        await using var server = await IdentityServer.StartAsync();
        server.Module.Apply(new IdentitySettings { TrustDomain = "example.org", CertificateLifetime = TimeSpan.FromSeconds(1) });

        using var certificate = await server.JoinAsync();

        SubjectNames.ReadSpiffeId(certificate)!.TrustDomain.ShouldBe("example.org");
        certificate.NotAfter.ToUniversalTime().ShouldBe(server.Time.GetUtcNow().AddSeconds(10).UtcDateTime, "10 s is the least");
    }

    private static async Task<GrpcException> RefusedAsync(
        IdentityServer server, string? token, string scheme = "Bearer", byte[]? csr = null, X509Certificate2? certificate = null)
    {
        var (key, good) = IdentityServer.MakeRequest();
        using var _ = key;
        return await Should.ThrowAsync<GrpcException>(() => server.CertifyAsync(csr ?? good, token, certificate, scheme));
    }

    private static string Sign(ECDsa key, string header, TimeProvider time, string audience)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var claims = $$"""{"aud":"{{audience}}","sub":"system:serviceaccount:shop:orders","nbf":{{now}},"exp":{{now + 600}}}""";
        var signed = $"{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }
}
