using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Identity;

/// <summary>Who passes as the control plane, and who does not: least of all a workload with a good certificate of the same mesh.</summary>
public sealed class ControlPlaneClientTests : IDisposable
{
    private static readonly TestLeaf ControlPlane = new()
    {
        Uris = ["spiffe://cluster.local/ns/meshlite-system/sa/meshlite-control-plane"],
        DnsNames = ["localhost"],
        Addresses = ["127.0.0.1"],
    };

    private readonly ManualTimeProvider _time = new();
    private readonly TestDirectory _directory = new();
    private readonly TestAuthority _root;

    public ControlPlaneClientTests()
    {
        _root = new TestAuthority(_time);
        File.WriteAllText(_directory["ca.pem"], _root.Public.ExportCertificatePem());
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("workload", "belongs to another workload than the one called")]
    [InlineData("workload with the host's name", "belongs to another workload than the one called")]
    [InlineData("namesake in another namespace", "belongs to another workload than the one called")]
    [InlineData("other host", "does not name the host called")]
    [InlineData("no host", "does not name the host called")]
    [InlineData("other authority", "is not signed by a root of the trust bundle")]
    [InlineData("expired", "has expired")]
    [InlineData("client only", "is not for this use")]
    public async Task Certify_Impostor_IsRefusedBeforeTheTokenIsSent(string who, string says)
    {
        using var certificate = who switch
        {
            "workload" => _root.Issue(new TestLeaf()),
            "workload with the host's name" => _root.Issue(new TestLeaf { Addresses = ["127.0.0.1"] }),
            "namesake in another namespace" => _root.Issue(ControlPlane with { Uris = ["spiffe://cluster.local/ns/shop/sa/meshlite-control-plane"] }),
            "other host" => _root.Issue(ControlPlane with { Addresses = ["10.0.0.1"] }),
            "no host" => _root.Issue(ControlPlane with { Addresses = [], DnsNames = [] }),
            "other authority" => new TestAuthority(_time, "CN=other").Issue(ControlPlane),
            "expired" => _root.Issue(ControlPlane with { From = TimeSpan.FromHours(-2) }),
            "client only" => _root.Issue(ControlPlane with { Usages = [SvidProfile.ClientAuth] }),
            _ => throw new ArgumentOutOfRangeException(nameof(who)),
        };
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, certificate);

        var error = await Should.ThrowAsync<GrpcException>(() => CertifyAsync(new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}")));

        error.Code.ShouldBe(GrpcStatusCode.Unavailable);
        error.Message.ShouldContain($"the control plane's certificate {says}");
        (await serving).ShouldBe(0, "bytes of the application");
    }

    [Fact]
    public async Task Certify_TheControlPlane_IsBelieved()
    {
        using var certificate = _root.Issue(ControlPlane);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, certificate);

        // It says nothing of use, but the request gets to it.
        await Should.ThrowAsync<GrpcException>(() => CertifyAsync(new Uri($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}")));

        (await serving).ShouldBeGreaterThan(0);
    }

    private async Task CertifyAsync(Uri address) => await new ControlPlaneClient(address, _directory["ca.pem"], _time)
        .CertifyAsync(new CertifyRequest(), "the token", show: null, believe: null, TestContext.Current.CancellationToken);

    /// <summary>Takes one connection; returns how many bytes came through TLS, then closes.</summary>
    private static async Task<int> ServeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var connection = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var stream = new SslStream(connection.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
                ApplicationProtocols = [SslApplicationProtocol.Http2],
            });
            return await stream.ReadAsync(new byte[1024], TestContext.Current.CancellationToken);
        }
        catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
        {
            return 0;
        }
    }
}
