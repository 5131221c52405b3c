using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Raw TCP: the application's CONNECT to a destination, a peer sidecar's tunnel to the application, and plaintext
/// bytes to the application. One per program; each call serves one connection to its end.
/// </summary>
internal sealed class TunnelService(
    MeshState mesh, EndpointConnector connector, Passthrough passthrough, LocalApplication? application, TcpTunnel tunnel,
    ConnectionTracker connections, RefusalCounter refusals, TimeProvider time)
{
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Serves the application's CONNECT request.</summary>
    public async Task ServeConnectAsync(Socket socket)
    {
        await using var client = new NetworkStream(socket, ownsSocket: true);
        using var patience = new CancellationTokenSource(HeadTimeout, time);
        string? authority;
        try
        {
            authority = await ConnectHead.ReadAsync(socket, patience.Token);
        }
        catch (OperationCanceledException)
        {
            Refused(socket, "request_timeout", $"no whole CONNECT request within {HeadTimeout.TotalSeconds:0} s");
            return;
        }

        if (authority is null)
        {
            Refused(socket, "protocol_error", "this is no CONNECT request");
            await AnswerAsync(client, new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, "This is no CONNECT request."));
            return;
        }

        var (server, error) = await ConnectAsync(authority);
        if (server is null)
        {
            await AnswerAsync(client, error!);
            return;
        }

        await using (server)
        {
            await client.WriteAsync("HTTP/1.1 200 Connection Established\r\n\r\n"u8.ToArray());
            await JoinAsync(ListenerRole.Outbound, client, socket, server);
        }
    }

    /// <summary>Serves a peer sidecar's tunnel (ALPN <c>meshlite-tcp/1</c>).</summary>
    public async Task ServeMeshAsync(SslStream stream, MeshConnection connection, ConnectionContext context)
    {
        if (application is null)
        {
            context.Abort(new ConnectionAbortedException("This workload serves nothing."));
            return;
        }

        await using var server = await application.ConnectAsync(context.ConnectionClosed);

        // Not bound to ConnectionClosed: that fires when the peer's FIN is in, with its last bytes still unread.
        var result = await RunAsync(connection, stream, server);
        if (!result.Clean)
        {
            TcpTunnel.Reset(server.Socket);
            context.Abort(new ConnectionAbortedException("The tunnel broke off."));
        }
    }

    /// <summary>Serves plaintext bytes for the application.</summary>
    public async Task ServePlainAsync(Socket socket)
    {
        if (application is null)
        {
            refusals.Refuse(socket, "inbound", "no_route", "this workload serves nothing (its sidecar has no --app-port)");
            return;
        }

        await using var client = new NetworkStream(socket, ownsSocket: true);
        await using var server = await application.ConnectAsync(CancellationToken.None);
        await JoinAsync(ListenerRole.Inbound, client, socket, server);
    }

    // Counted as open, so that a draining sidecar waits for it.
    private async Task<TcpTunnelResult> RunAsync(MeshConnection connection, Stream client, Stream server)
    {
        connections.Add(connection);
        try
        {
            return await tunnel.RunAsync(client, server, CancellationToken.None);
        }
        finally
        {
            connections.Remove(connection);
        }
    }

    private async Task JoinAsync(ListenerRole role, NetworkStream client, Socket socket, Stream server)
    {
        var result = await RunAsync(new MeshConnection(role, ConnectionProtocol.Opaque), client, server);
        if (!result.Clean)
        {
            TcpTunnel.Reset(socket);
            if (server is NetworkStream plain)
            {
                TcpTunnel.Reset(plain.Socket);
            }

            (server as MeshTlsStream)?.Reset();
        }
    }

    private async ValueTask<(Stream? Server, ProxyError? Error)> ConnectAsync(string authority)
    {
        var destination = await mesh.ResolveAsync(authority, CancellationToken.None);
        switch (destination?.Kind)
        {
            case null or DestinationKind.Unknown:
                return (null, new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh, $"No service of the mesh is known as '{authority}'."));
            case DestinationKind.NotInMesh:
                return await ConnectOutsideAsync(authority);
            default:
                return await ConnectMeshAsync(destination);
        }
    }

    private async ValueTask<(Stream?, ProxyError?)> ConnectOutsideAsync(string authority)
    {
        if (!AuthorityNormalizer.TryNormalize(authority, out var key) || key.Port == 0)
        {
            return (null, new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, $"'{authority}' is not HOST:PORT."));
        }

        try
        {
            return (await passthrough.ConnectAsync(new DnsEndPoint(key.Host.Trim("[]").ToString(), key.Port), CancellationToken.None), null);
        }
        catch (ConnectException e)
        {
            return (null, ForwardErrors.FromSend(e));
        }
    }

    // A connection that could not be made has delivered nothing: the next endpoint is tried at once.
    private async ValueTask<(Stream?, ProxyError?)> ConnectMeshAsync(DestinationModel destination)
    {
        if (Router.RouteTcp(destination) is not { } backend)
        {
            return (null, new ProxyError(ErrorReason.NoRoute, ErrorSource.Mesh, $"'{destination.Service}' has no route for TCP."));
        }

        ProxyError? error = null;
        var tried = default(ExcludedEndpoints);
        for (var attempt = 0; attempt <= RetryPolicy.UndeliveredRetries; attempt++)
        {
            var (endpoint, isProbe) = backend.Pick(in tried, key: null);
            if (endpoint is null)
            {
                return (null, error ?? new ProxyError(ErrorReason.NoHealthyEndpoint, ErrorSource.Upstream, $"'{backend.Name}' has no ready endpoint."));
            }

            var outcome = AttemptOutcome.Neutral;
            try
            {
                var config = endpoint.Config;
                var stream = await connector.ConnectMeshAsync(config.Address, config.Identity!, MeshTls.Tcp, backend.Config.Policy.ConnectTimeout, CancellationToken.None);
                outcome = AttemptOutcome.Success;
                return (stream, null);
            }
            catch (ConnectException e)
            {
                outcome = AttemptOutcome.Failure;
                error = ForwardErrors.FromSend(e);
                tried.Add(endpoint);
            }
            finally
            {
                backend.Pool.State.Ejector.Record(endpoint.Health, outcome, isProbe);
            }
        }

        return (null, error);
    }

    private void Refused(Socket socket, string reason, string detail) => refusals.Refused("outbound", $"{socket.RemoteEndPoint}", reason, detail);

    private static async ValueTask AnswerAsync(NetworkStream client, ProxyError error)
    {
        var reason = ErrorReasons.Label(error.Reason);
        var body = $"{reason}: {error.Detail}\n";
        var head = $"HTTP/1.1 {ErrorReasons.HttpStatus(error.Reason, error.Source)} {reason}\r\n{MeshHeaders.Error}: {reason}\r\n"
            + $"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n";
        await client.WriteAsync(Encoding.UTF8.GetBytes(head + body));
    }
}
