using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;

namespace MeshLite.Functional.Tests.Identity;

/// <summary>Two ends of one TLS connection.</summary>
internal sealed class MutualConnection : IDisposable
{
    private static readonly IPEndPoint Anywhere = new(IPAddress.Loopback, 1);

    private readonly SslStream _near;
    private readonly SslStream _far;

    private MutualConnection(
        SslStream near, SslStream far, TlsHandshake<SslClientAuthenticationOptions> client, TlsHandshake<SslServerAuthenticationOptions> server)
    {
        (_near, _far, Client, Server) = (near, far, client, server);
    }

    public TlsHandshake<SslClientAuthenticationOptions> Client { get; }

    public TlsHandshake<SslServerAuthenticationOptions> Server { get; }

    public static async Task<MutualConnection> OpenAsync(WorkloadCertificate server, WorkloadCertificate client)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndpoint);
        var near = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var far = new SslStream(new NetworkStream(await listener.AcceptSocketAsync(), ownsSocket: true));
        var serverEnd = ServerTls.Prepare(server);
        var clientEnd = ClientTls.Prepare(client, server.Id, Anywhere, MeshTls.Http);
        await Task.WhenAll(far.AuthenticateAsServerAsync(serverEnd.Options), near.AuthenticateAsClientAsync(clientEnd.Options));
        return new MutualConnection(near, far, clientEnd, serverEnd);
    }

    public async Task<bool> EchoAsync()
    {
        var buffer = new byte[1];
        await _near.WriteAsync(new byte[] { 7 });
        await _far.ReadExactlyAsync(buffer);
        await _far.WriteAsync(buffer);
        await _near.ReadExactlyAsync(buffer);
        return buffer[0] == 7;
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }
}
