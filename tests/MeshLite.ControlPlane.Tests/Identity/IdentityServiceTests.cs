using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

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
}
