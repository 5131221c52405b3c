using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Identity;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Tests.Identity;

/// <summary>
/// Sidecars do not resume sessions, but somebody else may: a resumed connection's caller is who the session's certificate says, for as
/// long as that is good.
/// </summary>
public sealed class ResumedConnectionTests
{
    // Whether the last connection resumed a session.
    private bool _resumed;

    [Fact]
    public async Task Certify_OverAResumedSession_IsForTheSessionsIdentity()
    {
        await using var server = await IdentityServer.StartAsync();
        using var held = await server.JoinAsync("shop", "frontend");
        var tls = ClientOptions(server, held);
        await CertifyAsync(server, tls);
        _resumed.ShouldBeFalse();

        var id = await CertifyAsync(server, tls);

        _resumed.ShouldBeTrue();
        id.ShouldBe(new SpiffeId("cluster.local", "shop", "frontend"));
    }

    [Fact]
    public async Task Certify_SessionsCertificateHasExpired_IsRefused()
    {
        await using var server = await IdentityServer.StartAsync();
        server.Module.Apply(new IdentitySettings { CertificateLifetime = TimeSpan.FromHours(1) });
        using var held = await server.JoinAsync("shop", "frontend");
        var tls = ClientOptions(server, held);
        await CertifyAsync(server, tls);

        server.Time.Advance(TimeSpan.FromHours(2));

        var error = await Should.ThrowAsync<GrpcException>(() => CertifyAsync(server, tls));
        // It never came to a call, which would be refused for want of credentials.
        error.Code.ShouldNotBe(GrpcStatusCode.Unauthenticated);
        _resumed.ShouldBeTrue();
        server.Module.RefusedHandshakes["expired"].ShouldBe(1);
    }

    // Sessions are remembered by host name, which an address is not.
    private static SslClientAuthenticationOptions ClientOptions(IdentityServer server, X509Certificate2 held)
    {
        var options = server.ClientOptions(held);
        options.TargetHost = "localhost";
        return options;
    }

    private async Task<SpiffeId?> CertifyAsync(IdentityServer server, SslClientAuthenticationOptions tls)
    {
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(server.Address.Host, server.Address.Port, cancellationToken);
                var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
                await stream.AuthenticateAsClientAsync(tls, cancellationToken);
                _resumed = Resumed(stream);
                return stream;
            },
        });
        var (key, csr) = IdentityServer.MakeRequest();
        using var _ = key;
        var response = await new GrpcChannel(server.Address, invoker, new GrpcChannelOptions(), TimeProvider.System).UnaryAsync(
            MeshMethods.IdentityCertify, new CertifyRequest { Csr = Google.Protobuf.ByteString.CopyFrom(csr) }, null, TestContext.Current.CancellationToken);
        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain[0].Span);
        return SubjectNames.ReadSpiffeId(certificate);
    }

    // .NET does not say whether a session was resumed; OpenSSL does.
    private static bool Resumed(SslStream stream)
    {
        var handle = typeof(SslStream).GetField("_securityContext", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(stream);
        var method = typeof(SslStream).Assembly.GetType("Interop")!.GetNestedType("Ssl", BindingFlags.NonPublic)!
            .GetMethod("SslSessionReused", BindingFlags.NonPublic | BindingFlags.Static)!;
        return (bool)method.Invoke(null, [handle])!;
    }
}
