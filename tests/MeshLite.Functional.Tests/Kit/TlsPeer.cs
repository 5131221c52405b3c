using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>Ends of TLS connections that no sidecar would be: with whatever certificate and protocol the test chose.</summary>
internal static class TlsPeer
{
    /// <summary>A server; completes each handshake it can, and then says nothing.</summary>
    public static TcpApp Server(X509Certificate2 certificate, params SslApplicationProtocol[] alpn) => Server(certificate, hangsUp: false, alpn);

    /// <summary>As above; <paramref name="hangsUp"/>: then closes, as one does that refuses the client's certificate.</summary>
    public static TcpApp Server(X509Certificate2 certificate, bool hangsUp, params SslApplicationProtocol[] alpn) => new(async (socket, cancellation) =>
    {
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificate = certificate,
                    ApplicationProtocols = [.. alpn],
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                cancellation);
            while (!hangsUp && await tls.ReadAsync(new byte[100], cancellation) > 0)
            {
                // Whatever it asks.
            }
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // Refused, as it should be.
        }
    });

    /// <summary>
    /// A client of an inbound port that believes any server: connects, sends an HTTP/2 preface and reads. Returns whether the
    /// server ever said a word of HTTP/2.
    /// </summary>
    public static async Task<bool> IsServedAsync(
        IPEndPoint inbound, X509Certificate2? certificate, SslProtocols version = SslProtocols.Tls13, SslApplicationProtocol? alpn = null)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(inbound, patience.Token);
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "peer.meshlite",
                    EnabledSslProtocols = version,
                    ApplicationProtocols = [alpn ?? MeshTls.Http],
                    // Not ClientCertificates: of those .NET would keep back one whose issuer the server does not ask for.
                    ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                patience.Token);
            await tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0"u8.ToArray(), patience.Token);
            return await tls.ReadAsync(new byte[1], patience.Token) > 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return false;
        }
    }

    /// <summary>What a client of the mesh says first.</summary>
    public static async Task<byte[]> ClientHelloAsync(X509Certificate2 certificate, SslApplicationProtocol? alpn = null)
    {
        var said = new TaskCompletionSource<byte[]>();
        await using var listener = new TcpApp(async (socket, cancellation) =>
        {
            var buffer = new byte[16 * 1024];
            said.TrySetResult(buffer[..await socket.ReceiveAsync(buffer, cancellation)]);
        });
        await IsServedAsync(new IPEndPoint(IPAddress.Loopback, listener.Port), certificate, alpn: alpn);
        return await said.Task;
    }

    /// <summary>The authority of this mesh, to sign what it never would.</summary>
    public static TestAuthority AuthorityOf(FakeControlPlane controlPlane) => TestAuthority.From(
        X509Certificate2.CreateFromPemFile(Path.Combine(controlPlane.DataDir, "ca.pem"), Path.Combine(controlPlane.DataDir, "ca.key")), TimeProvider.System);
}
