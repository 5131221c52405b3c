using System.Collections.Concurrent;
using System.Net;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The forward stage of both directions: hands a request to YARP's forwarder with the right client, HTTP version
/// and transformer. What comes back is for the pipeline to wait for and then to hand to <see cref="Settle"/>, which turns what failed into a
/// <see cref="ProxyError"/> of the state: a method that waited here would cost every request an allocation. One per program.
/// </summary>
internal sealed class HttpForwarding(
    IHttpForwarder forwarder, OutboundTransformer outbound, InboundTransformer inbound, LocalApplication application)
{
    // The host of the URI is a placeholder: the client of a request to the mesh connects to the endpoint picked.
    private const string Prefix = "http://mesh";

    /// <value>Nothing in either direction for this long ends an exchange: 5 min for HTTP, 1 h for WebSocket.</value>
    private static readonly TimeSpan HttpIdle = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan WebSocketIdle = TimeSpan.FromHours(1);

    private static readonly ForwarderRequestConfig Http1 = Config(HttpVersion.Version11, HttpIdle);
    private static readonly ForwarderRequestConfig Http2 = Config(HttpVersion.Version20, HttpIdle);
    private static readonly ForwarderRequestConfig WebSocketOverHttp1 = Config(HttpVersion.Version11, WebSocketIdle);
    private static readonly ForwarderRequestConfig WebSocketOverHttp2 = Config(HttpVersion.Version20, WebSocketIdle);

    /// <summary>A peer sidecar knows by the policy how long nothing may move; that it is there itself, HTTP/2's pings tell.</summary>
    private static readonly ForwarderRequestConfig Http1OfPeer = Config(HttpVersion.Version11, Timeout.InfiniteTimeSpan);
    private static readonly ForwarderRequestConfig Http2OfPeer = Config(HttpVersion.Version20, Timeout.InfiniteTimeSpan);

    /// <summary>By the idle timeouts that policies declare: few, and they come back.</summary>
    private readonly ConcurrentDictionary<TimeSpan, ForwarderRequestConfig> _idle = new();

    /// <summary>To the backend the router chose, over HTTP/2 in mTLS.</summary>
    public ValueTask<ForwarderError> ToMeshAsync(RequestState state, CancellationToken timeout)
    {
        var isWebSocket = IsWebSocket(state.Context);
        var config = state.Backend!.Config.Policy.IdleTimeout is { } idle ? _idle.GetOrAdd(idle, OfIdle) : isWebSocket ? WebSocketOverHttp2 : Http2;
        return forwarder.SendAsync(state.Context, Prefix, state.Attempts, config, outbound, timeout);
    }

    /// <summary>To the application, in the version its caller spoke.</summary>
    public ValueTask<ForwarderError> ToApplicationAsync(RequestState state, CancellationToken timeout)
    {
        if (application.PrefixFor(state.Connection) is not { } prefix)
        {
            state.Error = new ProxyError(ErrorReason.NoRoute, ErrorSource.Mesh, "This workload serves nothing (its sidecar has no --app-port).", Undelivered: true);
            return ValueTask.FromResult(ForwarderError.None);
        }

        var ofPeer = state.Connection.Peer is not null;
        if (IsWebSocket(state.Context))
        {
            return forwarder.SendAsync(state.Context, prefix, application.Http1(state), ofPeer ? Http1OfPeer : WebSocketOverHttp1, inbound, timeout);
        }

        return CallerSpokeHttp2(state)
            ? forwarder.SendAsync(state.Context, prefix, application.Http2(state), ofPeer ? Http2OfPeer : Http2, inbound, timeout)
            : forwarder.SendAsync(state.Context, prefix, application.Http1(state), ofPeer ? Http1OfPeer : Http1, inbound, timeout);
    }

    /// <summary>To where the URI says, in plaintext.</summary>
    public ValueTask<ForwarderError> ToOutsideAsync(
        RequestState state, HttpMessageInvoker http1, HttpMessageInvoker http2, string prefix, HttpTransformer transformer, CancellationToken timeout)
    {
        var config = IsWebSocket(state.Context) ? WebSocketOverHttp1 : HttpProtocol.IsHttp2(state.Context.Request.Protocol) ? Http2 : Http1;
        return forwarder.SendAsync(state.Context, prefix, config == Http2 ? http2 : http1, config, transformer, timeout);
    }

    /// <summary>Notes why what has ended failed, if it did.</summary>
    public static void Settle(RequestState state, ForwarderError outcome)
    {
        if (outcome != ForwarderError.None && !state.Answered)
        {
            state.Error = ForwardErrors.From(state, outcome) ?? state.Error;
        }
    }

    private static ForwarderRequestConfig OfIdle(TimeSpan idle) => Config(HttpVersion.Version20, idle > TimeSpan.Zero ? idle : Timeout.InfiniteTimeSpan);

    private static ForwarderRequestConfig Config(Version version, TimeSpan idle) => new()
    {
        Version = version,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = idle,
    };

    private static bool CallerSpokeHttp2(RequestState state) =>
        state.Connection.Peer is null
            ? HttpProtocol.IsHttp2(state.Context.Request.Protocol)
            : state.Context.Request.Headers[MeshHeaders.Protocol] == "2";

    private static bool IsWebSocket(HttpContext context)
    {
        if (HttpMethods.IsConnect(context.Request.Method) && context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true })
        {
            return true;
        }

        return context.Request.Headers.Upgrade.Count > 0
            && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            && context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase);
    }
}
