using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Tests.Identity;

public sealed class ServerCertificateTests
{
    [Fact]
    public async Task Handshake_OwnCertificate_NamesWhereItIsReached()
    {
        await using var server = await IdentityServer.StartAsync("mesh.example.org", "10.1.2.3");

        using var certificate = await ShownAsync(server);

        foreach (var host in new[] { "localhost", "meshlite-control-plane", "mesh.example.org", "10.1.2.3", "127.0.0.1", "::1" })
        {
            certificate.MatchesHostname(host, allowWildcards: false, allowCommonName: false).ShouldBeTrue(host);
        }

        certificate.MatchesHostname("elsewhere", allowWildcards: false, allowCommonName: false).ShouldBeFalse();
        SubjectNames.ReadSpiffeId(certificate)!.ToString().ShouldBe("spiffe://cluster.local/ns/meshlite-system/sa/meshlite-control-plane");
    }

    [Fact]
    public async Task Handshake_TwoThirdsOfItsLife_ShowsANewCertificate()
    {
        await using var server = await IdentityServer.StartAsync();
        using var first = await ShownAsync(server);

        server.Time.Advance(TimeSpan.FromHours(15.9));
        using var same = await ShownAsync(server);
        server.Time.Advance(TimeSpan.FromHours(0.2));
        using var next = await ShownAsync(server);

        same.SerialNumber.ShouldBe(first.SerialNumber);
        next.SerialNumber.ShouldNotBe(first.SerialNumber);
        next.NotAfter.ShouldBeGreaterThan(first.NotAfter);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "h2")]
    [InlineData(SslProtocols.Tls13, "http/1.1")]
    public async Task Handshake_OtherProtocol_IsRefused(SslProtocols version, string alpn)
    {
        await using var server = await IdentityServer.StartAsync();
        var options = server.ClientOptions(null);
        options.EnabledSslProtocols = version;
        options.ApplicationProtocols = [new SslApplicationProtocol(alpn)];

        var error = await Should.ThrowAsync<Exception>(() => ShownAsync(server, options));

        (error is AuthenticationException or IOException).ShouldBeTrue(error.ToString());
    }

    private static async Task<X509Certificate2> ShownAsync(IdentityServer server, SslClientAuthenticationOptions? options = null)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Address.Port, TestContext.Current.CancellationToken);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(options ?? server.ClientOptions(null), TestContext.Current.CancellationToken);
        return X509CertificateLoader.LoadCertificate(stream.RemoteCertificate!.GetRawCertData());
    }
}
