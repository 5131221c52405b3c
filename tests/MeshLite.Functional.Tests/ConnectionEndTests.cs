using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>No connection between sidecars outlives what its ends have shown.</summary>
public sealed class ConnectionEndTests
{
    private const string Frontend = "spiffe://cluster.local/ns/shop/sa/frontend";
    private const string Orders = "spiffe://cluster.local/ns/shop/sa/orders";

    [Theory]
    [InlineData("http")]
    [InlineData("tcp")]
    public async Task Client_WhoseCertificateEnds_IsLetGo(string protocol)
    {
        await using var app = new TcpApp();
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync("orders", app.Port);
        using var lasting = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For(Frontend));
        using var ending = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For(Frontend) with { Lifetime = TimeSpan.FromSeconds(38) });
        await using var stays = await ConnectAsync(server.InboundAddress, lasting, protocol);
        await using var goes = await ConnectAsync(server.InboundAddress, ending, protocol);

        var heard = await ReadToEndAsync(goes);

        WasAsked(heard).ShouldBe(protocol == "http", "HTTP is asked first");
        TimeProvider.System.GetUtcNow().UtcDateTime.ShouldBeGreaterThan(ending.NotAfter.ToUniversalTime() - TimeSpan.FromSeconds(8), "not before it was asked to end");
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(server)).Sum("meshlite_connections") == 1, "the other connection is open");
    }

    [Fact]
    public async Task Server_WhoseCertificateEnds_IsLeft()
    {
        await using var mesh = await MeshFixture.StartAsync();
        var client = await mesh.SidecarAsync("frontend");
        using var ending = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For(Orders) with { Lifetime = TimeSpan.FromSeconds(38) });
        var left = new TaskCompletionSource();
        await using var server = new TcpApp(async (socket, cancellation) =>
        {
            await using var tls = new SslStream(new NetworkStream(socket));
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificate = ending, ApplicationProtocols = [MeshTls.Tcp], ClientCertificateRequired = true, RemoteCertificateValidationCallback = (_, _, _, _) => true,
                }, cancellation);
            await ReadToEndAsync(tls);
            left.TrySetResult();
        });
        mesh.Service(new RouteRuleConfig { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] }, "orders", (new IPEndPoint(IPAddress.Loopback, server.Port), SpiffeId.Parse(Orders)));
        using var wire = await Wire.OpenAsync(client.OutboundAddress);
        await wire.SendAsync("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n");
        (await wire.ReadMessageAsync(hasBody: false))!.Status.ShouldBe(200);

        (await wire.EndsByFinAsync()).ShouldBeFalse();

        await left.Task.WaitAsync(TimeSpan.FromSeconds(20));
        TimeProvider.System.GetUtcNow().UtcDateTime.ShouldBeGreaterThanOrEqualTo(ending.NotAfter.ToUniversalTime());
    }

    /// <summary>Long before it would be cut.</summary>
    [Fact]
    public async Task Client_WhoseRootIsBelievedNoMore_IsAskedToEnd()
    {
        await using var app = new TcpApp();
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync("orders", app.Port);
        using var certificate = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For(Frontend));
        await using var connection = await ConnectAsync(server.InboundAddress, certificate, "http");

        mesh.ControlPlane.TrustBundle = TrustBundle.FromCertificates([new TestAuthority(TimeProvider.System, "CN=next root").Public]);
        mesh.ControlPlane.PublishMesh();

        WasAsked(await ReadToEndAsync(connection)).ShouldBeTrue();
    }

    /// <summary>Half a stream must not look like a whole one to the application (RFC 8446 §6.1).</summary>
    [Theory]
    [InlineData(true, "the end")]
    [InlineData(false, "ConnectionReset")]
    public async Task Tunnel_PeerEndsIt_ApplicationIsToldHow(bool byCloseNotify, string told)
    {
        var ended = new TaskCompletionSource<string>();
        await using var app = new TcpApp(async (socket, cancellation) =>
        {
            var buffer = new byte[100];
            var heard = 0;
            try
            {
                for (int read; (read = await socket.ReceiveAsync(buffer, cancellation)) > 0; heard += read)
                {
                    await socket.SendAsync(buffer.AsMemory(0, read), cancellation);
                }

                if (heard > 0) // else the sidecar asked whether it listens
                {
                    ended.TrySetResult("the end");
                }
            }
            catch (SocketException e)
            {
                ended.TrySetResult($"{e.SocketErrorCode}");
            }
        });
        await using var mesh = await MeshFixture.StartAsync();
        var server = await mesh.SidecarAsync("orders", app.Port);
        using var certificate = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For(Frontend));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await using var tunnel = await ConnectAsync(server.InboundAddress, certificate, "tcp", socket);

        if (byCloseNotify)
        {
            await tunnel.ShutdownAsync();
        }
        else
        {
            socket.Shutdown(SocketShutdown.Send);
        }

        (await ended.Task.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(told);
    }

    private static async Task<SslStream> ConnectAsync(IPEndPoint address, X509Certificate2 certificate, string protocol, Socket? over = null)
    {
        var socket = over ?? new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "peer.meshlite",
            ApplicationProtocols = [protocol == "http" ? MeshTls.Http : MeshTls.Tcp],
            ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
        await tls.WriteAsync(protocol == "http" ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0"u8.ToArray() : "hello"u8.ToArray());
        if (protocol == "tcp")
        {
            (await tls.ReadAsync(new byte[1])).ShouldBe(1);
        }

        return tls;
    }

    // By GOAWAY with NO_ERROR (RFC 9113 §6.8); one with an error ends whoever leaves pings unanswered, as this client does.
    private static bool WasAsked(byte[] frames)
    {
        for (var at = 0; at + 9 <= frames.Length; at += 9 + (BinaryPrimitives.ReadInt32BigEndian(frames.AsSpan(at)) >> 8))
        {
            if (frames[at + 3] == 7 && BinaryPrimitives.ReadInt32BigEndian(frames.AsSpan(at + 13)) == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static async Task<byte[]> ReadToEndAsync(SslStream stream)
    {
        using var all = new MemoryStream();
        var buffer = new byte[1000];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        try
        {
            while (await stream.ReadAsync(buffer, patience.Token) is > 0 and var read)
            {
                all.Write(buffer.AsSpan(0, read));
            }
        }
        catch (IOException)
        {
            // Cut.
        }

        return all.ToArray();
    }
}
