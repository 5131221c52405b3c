using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>Plain bytes in, TLS out: what a test writes by hand reaches a port that takes nothing else.</summary>
internal static class TlsRelay
{
    /// <summary>To a server that is believed whoever it is; <paramref name="show"/>: the certificate to show.</summary>
    public static TcpApp To(IPEndPoint server, SslApplicationProtocol alpn, X509Certificate2? show = null) => new(async (socket, cancellation) =>
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(server, cancellation);
        await using var client = new NetworkStream(socket);
        await using var tls = new SslStream(connection.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    ApplicationProtocols = [alpn],
                    ClientCertificateContext = show is null ? null : SslStreamCertificateContext.Create(show, null, offline: true),
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                cancellation);
            await Task.WhenAny(client.CopyToAsync(tls, cancellation), tls.CopyToAsync(client, cancellation));
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // Ended by the server.
        }
    });
}
