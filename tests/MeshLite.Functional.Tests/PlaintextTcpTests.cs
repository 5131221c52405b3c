using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Callers without a sidecar at the inbound port: served where mTLS is Permissive, refused where it is Strict.</summary>
public sealed class PlaintextTcpTests
{
    [Fact]
    public async Task Bytes_ToPermissive_ReachTheApplication()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await Wire.OpenAsync(pair.Server.InboundAddress);

        await caller.SendAsync("\u0001\u0002anything\n");

        Encoding.Latin1.GetString(await caller.ReadAsync(11)).ShouldBe("\u0001\u0002anything\n");
    }

    [Fact]
    public async Task Bytes_ThatLookLikeHttpOnAnOpaquePort_AreNotParsed()
    {
        await using var app = new TcpApp();
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.OpaquePorts = [app.Port];
        var server = await mesh.SidecarAsync("orders", app.Port);
        using var caller = await Wire.OpenAsync(server.InboundAddress);

        const string Request = "GET /x HTTP/1.1\r\nHost: orders\r\n\r\n";
        await caller.SendAsync(Request);

        Encoding.Latin1.GetString(await caller.ReadAsync(Request.Length)).ShouldBe(Request);
    }

    [Fact]
    public async Task Server_SpeakingFirstToPermissive_IsHeard()
    {
        await using var app = new TcpApp(async (socket, _) => await socket.SendAsync("220 ready\r\n"u8.ToArray()));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await Wire.OpenAsync(pair.Server.InboundAddress);

        (await caller.ReadLineAsync()).ShouldBe("220 ready");
    }

    [Fact]
    public async Task ApplicationsOwnTls_ToPermissive_PassesUntouched()
    {
        using var certificate = TestAuthority.SelfSigned(TestLeaf.For("spiffe://own/app"), TimeProvider.System);
        await using var app = new TcpApp(async (socket, cancellation) =>
        {
            await using var tls = new SslStream(new NetworkStream(socket));
            try
            {
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, cancellation);
                var line = new byte[5];
                await tls.ReadExactlyAsync(line, cancellation);
                await tls.WriteAsync(line, cancellation);
            }
            catch (IOException)
            {
                // A health check.
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(pair.Server.InboundAddress);
        await using var caller = new SslStream(new NetworkStream(socket));
        byte[]? seen = null;

        await caller.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "orders",
            RemoteCertificateValidationCallback = (_, shown, _, _) =>
            {
                seen = shown!.GetRawCertData();
                return true;
            },
        });
        await caller.WriteAsync("hello"u8.ToArray());
        var echo = new byte[5];
        await caller.ReadExactlyAsync(echo);

        echo.ShouldBe("hello"u8.ToArray());
        seen.ShouldBe(certificate.RawData, "the application's own certificate, end to end");
    }

    [Theory]
    [InlineData("\u0001\u0002anything\n")]
    [InlineData("")]
    public async Task Bytes_ToStrict_AreRefused(string bytes)
    {
        var heard = 0;
        await using var app = new TcpApp(async (socket, cancellation) =>
        {
            Interlocked.Add(ref heard, await socket.ReceiveAsync(new byte[100], cancellation));
        });
        await using var pair = await MeshPair.StartAsync(app.Port, MtlsMode.Strict);
        using var caller = await Wire.OpenAsync(pair.Server.InboundAddress);

        await caller.SendAsync(bytes);

        try
        {
            (await caller.ReadToEndAsync()).ShouldBeEmpty();
        }
        catch (SocketException)
        {
            // Closed with bytes unread: a reset.
        }

        heard.ShouldBe(0);
    }

    [Fact]
    public async Task Http_ToStrict_IsRefusedWithReason()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port, MtlsMode.Strict);
        using var caller = await Wire.OpenAsync(pair.Server.InboundAddress);

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe((int)HttpStatusCode.Forbidden);
        response.Value("meshlite-error").ShouldBe("denied");
        app.Received.ShouldBeEmpty();
    }
}
