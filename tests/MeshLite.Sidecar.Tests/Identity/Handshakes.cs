using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

/// <summary>Two sidecars' ends of a real TLS connection over loopback, on manual time.</summary>
internal sealed class Handshakes
{
    public const string Orders = "spiffe://cluster.local/ns/shop/sa/orders";
    public const string Frontend = "spiffe://cluster.local/ns/shop/sa/frontend";

    public static readonly IPEndPoint Endpoint = new(IPAddress.Loopback, 15006);

    public Handshakes() => Root = new TestAuthority(Time);

    public ManualTimeProvider Time { get; } = new();

    public TestAuthority Root { get; }

    public WorkloadCertificate Workload(X509Certificate2 withKey, string id, params TestAuthority[] believed) =>
        WorkloadCertificate.Create(
            SpiffeId.Parse(id), withKey, [], DateTimeOffset.MaxValue,
            TrustBundle.FromCertificates((believed.Length == 0 ? [Root] : believed).Select(a => a.Public)), Time);

    public WorkloadCertificate Workload(string id, params TestAuthority[] believed) => Workload(Root.Issue(TestLeaf.For(id)), id, believed);

    /// <summary>Shakes hands as the two prepared ends would, then sends a byte each way.</summary>
    public static async Task<HandshakeEnds> RunAsync(
        TlsHandshake<SslServerAuthenticationOptions> server, TlsHandshake<SslClientAuthenticationOptions> client)
    {
        var ends = await RunAsync(server.Options, client.Options);
        return ends with { ServerSees = server.Result, ClientSees = client.Result, ServerOutcome = server.Outcome(ends.ServerError), ClientOutcome = client.Outcome(ends.ClientError) };
    }

    public static async Task<HandshakeEnds> RunAsync(SslServerAuthenticationOptions server, SslClientAuthenticationOptions client, Action<SslStream>? done = null)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var near = new TcpClient { NoDelay = true };
        var connecting = near.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using var far = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await connecting;
        await using var clientStream = new SslStream(near.GetStream());
        await using var serverStream = new SslStream(far.GetStream());
        var serverEnd = Task.Run(async () =>
        {
            try
            {
                await serverStream.AuthenticateAsServerAsync(server);
                return await ExchangeAsync(serverStream);
            }
            catch (Exception)
            {
                far.Close();
                throw;
            }
        });
        var clientError = await CatchAsync(async () =>
        {
            try
            {
                await clientStream.AuthenticateAsClientAsync(client);
                await ExchangeAsync(clientStream);
            }
            catch (Exception)
            {
                near.Close();
                throw;
            }
        });
        var serverError = await CatchAsync(() => serverEnd);
        if (serverError is null && clientError is null)
        {
            done?.Invoke(serverStream);
        }

        return new HandshakeEnds(serverError, clientError)
        {
            Protocol = clientError is null ? clientStream.NegotiatedApplicationProtocol : default,
            ServerPeer = serverError is null ? (X509Certificate2?)serverStream.RemoteCertificate : null,
        };
    }

    private static async Task<bool> ExchangeAsync(SslStream stream)
    {
        await stream.WriteAsync(new byte[1]);
        return await stream.ReadAsync(new byte[1]) == 1 ? true : throw new IOException("closed by the peer");
    }

    private static async Task<Exception?> CatchAsync(Func<Task> action)
    {
        try
        {
            await action();
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }
}

/// <summary>How a handshake ended, seen from both ends; errors include those of the first byte exchanged.</summary>
internal sealed record HandshakeEnds(Exception? ServerError, Exception? ClientError)
{
    public PeerIdentityResult ServerSees { get; init; }

    public PeerIdentityResult ClientSees { get; init; }

    public string ServerOutcome { get; init; } = "";

    public string ClientOutcome { get; init; } = "";

    public SslApplicationProtocol Protocol { get; init; }

    public X509Certificate2? ServerPeer { get; init; }
}
