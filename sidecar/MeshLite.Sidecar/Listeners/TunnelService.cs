using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Sockets;
using MeshLite.Sidecar.Telemetry;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Raw TCP: the application's CONNECT or TLS to a name, its captured connections to an address, a peer sidecar's tunnel to the
/// application, and plaintext bytes to the application. One per program; each call serves one connection to its end.
/// </summary>
internal sealed class TunnelService(
    TunnelConnector connector, LocalApplication application, TcpTunnel tunnel, ConnectionTracker connections, TcpMetrics metrics,
    RefusalCounter refusals, InboundAuthorization authorization, OpenFlows flows, TimeProvider time)
{
    private const int HttpsPort = 443;

    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Serves the application's CONNECT request.</summary>
    public async Task ServeConnectAsync(TcpSocket socket)
    {
        await using var client = new TcpStream(socket);
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

        var server = await connector.ToNameAsync(authority);
        var flow = metrics.Outbound(in server);
        if (server.Error is { } error)
        {
            flow.Close(ErrorReasons.Label(error.Reason));
            await AnswerAsync(client, error);
            return;
        }

        await using (server.Stream)
        {
            await client.WriteAsync("HTTP/1.1 200 Connection Established\r\n\r\n"u8.ToArray());
            await JoinOutboundAsync(client, socket, server, flow);
        }
    }

    /// <summary>Serves the application's TLS to a name.</summary>
    public async Task ServeByNameAsync(TcpSocket socket, string name) => await ServeOutboundAsync(socket, await connector.ToNameAsync($"{name}:{HttpsPort}"));

    /// <summary>As above, captured on its way out of the mesh: to that name there, whatever address it was going to.</summary>
    public async Task ServeOutsideAsync(TcpSocket socket, string name, int port) => await ServeOutboundAsync(socket, await connector.ToOutsideAsync(name, port));

    /// <summary>Serves the application's connection to a service.</summary>
    public async Task ServeDestinationAsync(TcpSocket socket, DestinationModel destination) => await ServeOutboundAsync(socket, await connector.ToMeshAsync(destination));

    /// <summary>Serves the application's connection to an address that is not in the mesh.</summary>
    public async Task ServeOutsideAsync(TcpSocket socket, IPEndPoint address) => await ServeOutboundAsync(socket, await connector.ToOutsideAsync(address));

    /// <summary>Serves a peer sidecar's tunnel (ALPN <c>meshlite-tcp/1</c>).</summary>
    public async Task ServePeerAsync(SslStream stream, MeshConnection connection, ConnectionContext context)
    {
        if ((connection.Original ?? application.Declared) is not { } address)
        {
            context.Abort(new ConnectionAbortedException("This workload serves nothing."));
            return;
        }

        var flow = metrics.Inbound(connection.Peer);
        using var open = authorization.Enter(connection, address.Port);
        if (open.Refused is { } refused)
        {
            flow.Close(ErrorReasons.Label(refused.Reason));
            refusals.Refused("inbound", $"{context.RemoteEndPoint}", ErrorReasons.Label(refused.Reason), refused.Detail);
            context.Abort(new ConnectionAbortedException(refused.Detail));
            return;
        }

        TcpStream server;
        try
        {
            server = await application.ConnectAsync(address, context.ConnectionClosed);
        }
        catch (Exception e) when (e is ConnectException or OperationCanceledException)
        {
            flow.Close(ErrorReasons.Label(ErrorReason.ConnectFailure));
            context.Abort(new ConnectionAbortedException(e.Message));
            return;
        }

        await using (server)
        {
            // Not bound to ConnectionClosed: that fires when the peer's FIN is in, with its last bytes still unread.
            var result = await RunAsync(connection, stream, server, flow, open);
            if (!result.Clean)
            {
                server.Socket.Reset();
                context.Abort(new ConnectionAbortedException("The tunnel broke off."));
            }
        }
    }

    /// <summary>Serves plaintext bytes for the application. <paramref name="original"/>: where they were going, if they were captured.</summary>
    public async Task ServePlainAsync(TcpSocket socket, IPEndPoint? original)
    {
        if ((original ?? application.Declared) is not { } address)
        {
            refusals.Refuse(socket, "inbound", "no_route", "this workload serves nothing (its sidecar has no --app-port)");
            return;
        }

        var flow = metrics.Inbound(peer: null);
        var connection = new MeshConnection(ListenerRole.Inbound, ConnectionProtocol.Opaque) { Original = original };
        using var open = authorization.Enter(connection, address.Port);
        if (open.Refused is { } refused)
        {
            Fail(socket, "inbound", flow, refused);
            return;
        }

        TcpStream server;
        try
        {
            server = await application.ConnectAsync(address, CancellationToken.None);
        }
        catch (ConnectException e)
        {
            Fail(socket, "inbound", flow, ForwardErrors.FromSend(e));
            return;
        }

        await using var client = new TcpStream(socket);
        await using (server)
        {
            await JoinAsync(connection, client, socket, server, flow, open);
        }
    }

    private async Task ServeOutboundAsync(TcpSocket socket, TunnelServer server)
    {
        var flow = metrics.Outbound(in server);
        if (server.Error is { } error)
        {
            Fail(socket, "outbound", flow, error);
            return;
        }

        await using var client = new TcpStream(socket);
        await using (server.Stream)
        {
            await JoinOutboundAsync(client, socket, server, flow);
        }
    }

    private async Task JoinOutboundAsync(TcpStream client, TcpSocket socket, TunnelServer server, TcpFlow flow)
    {
        using var open = server.MayLeave is { } mayLeave ? flows.Open(mayLeave) : null;
        open?.Judge();
        await JoinAsync(new MeshConnection(ListenerRole.Outbound, ConnectionProtocol.Opaque), client, socket, server.Stream!, flow, open);
    }

    // Counted as open, so that a draining sidecar waits for it.
    private async Task<TcpTunnelResult> RunAsync(MeshConnection connection, Stream client, Stream server, TcpFlow flow, OpenFlows.Flow? open)
    {
        connections.Add(connection);
        try
        {
            var result = await tunnel.RunAsync(client, server, open?.Cut ?? CancellationToken.None, flow);
            flow.Close(result.Clean ? "" : open?.Refused is { } cut ? ErrorReasons.Label(cut.Reason) : result.Idle ? TcpFlow.IdleTimeout : TcpFlow.Reset);
            return result;
        }
        finally
        {
            connections.Remove(connection);
        }
    }

    private async Task JoinAsync(MeshConnection connection, TcpStream client, TcpSocket socket, Stream server, TcpFlow flow, OpenFlows.Flow? open)
    {
        var result = await RunAsync(connection, client, server, flow, open);
        if (!result.Clean)
        {
            socket.Reset();
            if (server is TcpStream plain)
            {
                plain.Socket.Reset();
            }

            (server as MeshTlsStream)?.Reset();
        }
    }

    // The client has been connected since before anybody knew: a reset is what tells it otherwise.
    private void Fail(TcpSocket socket, string listener, TcpFlow flow, ProxyError error)
    {
        var reason = ErrorReasons.Label(error.Reason);
        flow.Close(reason);
        refusals.Reset(socket, listener, reason, error.Detail);
    }

    private void Refused(TcpSocket socket, string reason, string detail) => refusals.Refused("outbound", $"{socket.RemoteEndPoint}", reason, detail);

    private static async ValueTask AnswerAsync(TcpStream client, ProxyError error)
    {
        var reason = ErrorReasons.Label(error.Reason);
        var body = $"{reason}: {error.Detail}\n";
        var head = $"HTTP/1.1 {ErrorReasons.HttpStatus(error.Reason, error.Source)} {reason}\r\n{MeshHeaders.Error}: {reason}\r\n"
            + $"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n";
        await client.WriteAsync(Encoding.UTF8.GetBytes(head + body));
    }
}
