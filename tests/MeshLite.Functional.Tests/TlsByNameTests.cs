using System.Net.Security;
using System.Net.Sockets;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>TLS of the application's own making at the outbound port: goes where its client's server name (SNI) says, port 443, untouched.</summary>
public sealed class TlsByNameTests
{
    [Fact]
    public async Task Tls_ToAService_ReachesItWithTheApplicationsOwnCertificate()
    {
        using var certificate = TestAuthority.SelfSigned(TestLeaf.For("spiffe://own/app"), TimeProvider.System);
        await using var app = TlsPeer.Server(certificate, new SslApplicationProtocol("own/1"));
        await using var pair = await MeshPair.StartAsync(app.Port);
        var service = new ServiceRef("shop", "orders", 80);
        pair.Mesh.ControlPlane.Set(new DestinationConfig
        {
            Authority = "orders:443",
            Kind = DestinationKind.Service,
            Service = service,
            Matches = [new RouteMatchConfig { Rule = 0 }],
            Rules = [new RouteRuleConfig { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] }],
            Backends = [new BackendConfig { Service = service }],
        });

        (await ShownAsync(pair, "orders")).ShouldBe(certificate.RawData);
        (await Scrape.OfAsync(pair.Client)).Sum("meshlite_tcp_connections_opened_total", ("destination_service", "orders"), ("tls", "true")).ShouldBe(1);
    }

    [Fact]
    public async Task Tls_ToNobody_IsEnded()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);

        (await ShownAsync(pair, "nobody")).ShouldBeNull();
        (await Scrape.OfAsync(pair.Client)).Sum("meshlite_connections_refused_total", ("reason", "destination_unknown")).ShouldBe(1);
    }

    /// <summary>The certificate the server showed; null: the connection ended before.</summary>
    private static async Task<byte[]?> ShownAsync(MeshPair pair, string name)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(pair.Client.OutboundAddress);
        await using var caller = new SslStream(new NetworkStream(socket));
        byte[]? shown = null;
        try
        {
            await caller.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = name,
                ApplicationProtocols = [new SslApplicationProtocol("own/1")],
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    shown = certificate!.GetRawCertData();
                    return true;
                },
            });
        }
        catch (IOException)
        {
            // As asserted by the caller.
        }

        return shown;
    }
}
