using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Identity;
using MeshLite.Sidecar.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// The one Kestrel of a sidecar. Admin and telemetry listen on sockets of their own; the proxy's endpoints are
/// in-process, one for each protocol, and get their connections from a <see cref="PortListener"/>:
/// <code>
/// outbound port ─▶ outbound-http1, outbound-http2
/// inbound port  ─▶ inbound-mesh (TLS, then HTTP/2 or a TCP tunnel), inbound-http1, inbound-http2
/// </code>
/// Each is a <see cref="TcpConnection"/>, whose buffers are of <paramref name="memory"/>. Kestrel tells HTTP/1.1 and HTTP/2 apart by ALPN only, hence one endpoint a protocol.
/// </summary>
internal sealed class MeshServer(
    MeshServerOptions options,
    InProcessListenerFactory listeners,
    WorkloadIdentity identity,
    HandshakeCounter handshakes,
    ProvenConnections proven,
    ConnectionTracker connections,
    RefusalCounter refusals,
    TimeProvider time,
    MemoryPool<byte> memory,
    Func<SslStream, MeshConnection, ConnectionContext, Task> serveTunnel)
{
    /// <value>From ClientHello to the end of the handshake; a peer that stalls is let go. 10 s.</value>
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private readonly Dictionary<(ListenerRole, ConnectionProtocol), InProcessEndPoint> _endpoints = new()
    {
        [(ListenerRole.Outbound, ConnectionProtocol.Http1)] = new("outbound-http1"),
        [(ListenerRole.Outbound, ConnectionProtocol.Http2)] = new("outbound-http2"),
        [(ListenerRole.Inbound, ConnectionProtocol.Http1)] = new("inbound-http1"),
        [(ListenerRole.Inbound, ConnectionProtocol.Http2)] = new("inbound-http2"),
        [(ListenerRole.Inbound, ConnectionProtocol.MeshTls)] = new("inbound-mesh"),
    };

    private ListenOptions? _admin;
    private ListenOptions? _telemetry;

    /// <summary>Where the admin interface listens, once started.</summary>
    public IPEndPoint AdminAddress => _admin!.IPEndPoint!;

    /// <summary>Where metrics and probes are served, once started.</summary>
    public IPEndPoint TelemetryAddress => _telemetry!.IPEndPoint!;

    /// <summary>Kestrel's limits and endpoints.</summary>
    public void Configure(KestrelServerOptions kestrel)
    {
        MeshServerLimits.Apply(kestrel);
        foreach (var ((role, protocol), endpoint) in _endpoints)
        {
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = protocol == ConnectionProtocol.Http1 ? HttpProtocols.Http1 : HttpProtocols.Http2;
                if (protocol == ConnectionProtocol.MeshTls)
                {
                    listen.Use(ServeTls);
                    listen.Use(Http2Preface.Demand(time, Late)); // in plaintext it has come already: by it the protocol was told
                }

                listen.Use(Track);
            });
        }

        kestrel.Listen(options.Admin, listen => Operator(_admin = listen, ListenerRole.Admin));
        kestrel.Listen(options.Telemetry, listen => Operator(_telemetry = listen, ListenerRole.Telemetry));
    }

    /// <summary>Starts Kestrel with the application that serves every endpoint.</summary>
    public Task StartAsync<TContext>(IServer server, IHttpApplication<TContext> application)
        where TContext : notnull => server.StartAsync(application, CancellationToken.None);

    /// <summary>Passes a socket, whose first bytes told <paramref name="protocol"/>, to the endpoint that speaks it. <paramref name="original"/>: where it was going, if it was captured.</summary>
    public void HandOver(TcpSocket socket, ListenerRole role, ConnectionProtocol protocol, IPEndPoint? original = null)
    {
        var connection = new TcpConnection(socket, KestrelRefusals.ConnectionId(Name(role), socket.RemoteEndPoint), gathers: protocol != ConnectionProtocol.Http1, memory);
        connection.Features.Set(new MeshConnection(role, protocol)
        {
            Original = original,
            OriginalAuthority = original?.ToString(),
            OriginalPrefix = original is null ? null : LocalApplication.PrefixOf(original),
        });
        if (protocol != ConnectionProtocol.MeshTls)
        {
            connection.Start();
        }

        if (!listeners.For(_endpoints[(role, protocol)]).TryHandOver(connection))
        {
            connection.Abort(new ConnectionAbortedException("The sidecar has stopped."));
        }
    }

    /// <summary>Of a port, in metrics and logs.</summary>
    public static string Name(ListenerRole role) => role switch
    {
        ListenerRole.Outbound => "outbound",
        ListenerRole.Inbound => "inbound",
        ListenerRole.Admin => "admin",
        _ => "telemetry",
    };

    private void Late(ConnectionContext connection) => refusals.Refused(
        Name(connection.Features.Get<MeshConnection>()!.Role), $"{connection.RemoteEndPoint}", "preface_timeout", $"no HTTP/2 preface within {Http2Preface.Timeout.TotalSeconds:0} s");

    private static void Operator(ListenOptions listen, ListenerRole role)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection =>
        {
            connection.ConnectionId = KestrelRefusals.ConnectionId(Name(role), connection.RemoteEndPoint);
            connection.Features.Set(new MeshConnection(role, ConnectionProtocol.Http1));
            return next(connection);
        });
    }

    private ConnectionDelegate Track(ConnectionDelegate next) => async connection =>
    {
        var mesh = connection.Features.Get<MeshConnection>()!;
        mesh.Lifetime = connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        mesh.Transport = connection;
        mesh.Resets = mesh.Protocol == ConnectionProtocol.Http1 ? null : new ResetBudget();
        connections.Add(mesh);
        try
        {
            await next(connection);
        }
        finally
        {
            connections.Remove(mesh);
        }
    };

    /// <summary>The handshake, and what was agreed on: HTTP/2 for Kestrel, which does not see that there was TLS, or a tunnel.</summary>
    private ConnectionDelegate ServeTls(ConnectionDelegate next) => async connection =>
    {
        var mesh = connection.Features.Get<MeshConnection>()!;
        var tcp = connection.Features.Get<TcpConnection>()!;
        await using var stream = MeshTlsStream.Over(tcp.Socket);
        if (!await ShakeHandsAsync(stream, mesh, connection))
        {
            return;
        }

        var isHttp = stream.NegotiatedApplicationProtocol == MeshTls.Http;
        using var proof = proven.Add(
            mesh.Handshake!.EndsAt, mesh.Handshake.Result.Root,
            isHttp && connection.Features.Get<IConnectionLifetimeNotificationFeature>() is { } lifetime ? lifetime.RequestClose : null,
            () => connection.Abort(new ConnectionAbortedException("What the peer proved has ended.")));
        if (isHttp)
        {
            tcp.Start(stream);
            try
            {
                await next(connection);
            }
            finally
            {
                await tcp.DisposeAsync(); // with the last it has to say
            }
        }
        else
        {
            await serveTunnel(stream, mesh, connection);
        }
    };

    private async Task<bool> ShakeHandsAsync(SslStream stream, MeshConnection mesh, ConnectionContext connection)
    {
        using var patience = new CancellationTokenSource(HandshakeTimeout, time);
        try
        {
            var own = identity.Current ?? throw new AuthenticationException("There is no certificate yet.");
            mesh.Handshake = ServerTls.Prepare(own);
            await stream.AuthenticateAsServerAsync(mesh.Handshake.Options, patience.Token);
            mesh.Peer = mesh.Handshake.Result.Id;
            handshakes.Inbound(mesh.Handshake.Outcome(null), connection.RemoteEndPoint);
            return true;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Whether the peer's certificate was looked at tells most of why.
            handshakes.Inbound(mesh.Handshake?.Outcome(new AuthenticationException()) ?? "no_certificate_yet", connection.RemoteEndPoint);
            return false;
        }
    }
}

/// <summary>Where Kestrel's own sockets listen.</summary>
internal sealed record MeshServerOptions(IPEndPoint Admin, IPEndPoint Telemetry);
