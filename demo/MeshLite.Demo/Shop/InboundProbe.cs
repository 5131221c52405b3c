using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MeshLite.Demo.Shop;

/// <summary>Knocks at a sidecar's inbound port as a stranger would: in plaintext, and by TLS without a certificate of the mesh.</summary>
internal static class InboundProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Sends an HTTP request in the clear; the status line that comes back, or empty.</summary>
    public static async Task<string> PlaintextAsync(IPEndPoint inbound, string host, string requestId, TimeProvider time)
    {
        using var timeout = new CancellationTokenSource(Patience, time);
        using var client = new TcpClient();
        await client.ConnectAsync(inbound, timeout.Token);
        var stream = client.GetStream();
        return await ExchangeAsync(stream, host, requestId, timeout.Token);
    }

    /// <summary>
    /// Speaks the mesh's TLS without presenting a certificate: whom the server proved to be, and the status line, if any,
    /// of a request sent all the same.
    /// </summary>
    public static async Task<(string? ServerIdentity, string Status)> StrangerTlsAsync(IPEndPoint inbound, string host, string requestId, TimeProvider time)
    {
        using var timeout = new CancellationTokenSource(Patience, time);
        using var client = new TcpClient();
        await client.ConnectAsync(inbound, timeout.Token);
        string? identity = null;
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ApplicationProtocols = [new SslApplicationProtocol("meshlite-http/1")],
                    // Only read here: whether it may be believed is what the handshake itself proves, the chain is the sidecars' business.
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        identity = SpiffeIdOf(certificate as X509Certificate2);
                        return true;
                    },
                },
                timeout.Token);
            return (identity, await ExchangeAsync(tls, host, requestId, timeout.Token));
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return (identity, "");
        }
    }

    private static async Task<string> ExchangeAsync(Stream stream, string host, string requestId, CancellationToken cancellation)
    {
        var answer = new byte[512];
        try
        {
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes($"GET /healthz HTTP/1.1\r\nhost: {host}\r\nx-request-id: {requestId}\r\nconnection: close\r\n\r\n"), cancellation);
            var read = await stream.ReadAsync(answer, cancellation);
            return Encoding.ASCII.GetString(answer, 0, read).Split('\r')[0];
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string? SpiffeIdOf(X509Certificate2? certificate)
    {
        const string prefix = "URI:";
        var names = certificate?.Extensions.OfType<X509SubjectAlternativeNameExtension>().SingleOrDefault()?.Format(multiLine: false);
        return names?.Split(", ").FirstOrDefault(n => n.StartsWith(prefix, StringComparison.Ordinal))?[prefix.Length..];
    }
}
