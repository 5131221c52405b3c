using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The application beside this sidecar, reached without TLS: at the address declared, or, of a captured connection, where
/// its caller was going. Pools of HTTP/1.1 connections and of HTTP/2 (prior knowledge), one an address. One per program; thread-safe.
/// </summary>
internal sealed class LocalApplication : IDisposable
{
    /// <value>Shorter than common servers' own keep-alive (5 s in Node.js), so that no request meets a closing connection. 4 s.</value>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(4);

    /// <value>Loopback answers at once or not at all. 1 s.</value>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    private readonly EndpointConnector _connector;
    private readonly Destinations<Http1Handler> _http1;
    private readonly Destinations<Http2Handler> _http2;
    private readonly string? _declaredPrefix;
    private readonly AttemptSettings _attempts;
    private readonly RetryBudget _budget;

    /// <summary>Makes the pools; connects on first use.</summary>
    public LocalApplication(IPEndPoint? declared, EndpointConnector connector, AttemptSettings attempts)
    {
        Declared = declared;
        _declaredPrefix = declared is null ? null : PrefixOf(declared);
        _connector = connector;
        _http1 = new Destinations<Http1Handler>((host, port, unused) =>
        {
            var address = new IPEndPoint(IPAddress.Parse(host), port);
            return new Http1Handler(cancellation => ConnectAsync(address, cancellation), IdleTimeout, attempts.Time, unused);
        });
        _http2 = new Destinations<Http2Handler>((host, port, unused) =>
        {
            var address = new IPEndPoint(IPAddress.Parse(host), port);
            return new Http2Handler(
                async (unusable, cancellation) => await connector.BeginPlainHttpAsync(await ConnectAsync(address, cancellation), address, IdleTimeout, unusable, cancellation),
                unused);
        });
        _attempts = attempts;
        _budget = new RetryBudget(new RetryBudgetConfig(), attempts.Time);
        Health = new HttpMessageInvoker(_http1, disposeHandler: false);
    }

    /// <summary>Where it listens, by the sidecar's options; null: they do not say.</summary>
    public IPEndPoint? Declared { get; }

    /// <summary>This pod's addresses; null: nothing is captured.</summary>
    public OwnAddresses? Own { get; init; }

    /// <summary>The sidecar's own ports, set once its listeners are bound.</summary>
    public IReadOnlyCollection<int> OwnPorts { get; set; } = [];

    /// <summary>Sends the sidecar's own questions, over HTTP/1.1 and once.</summary>
    public HttpMessageInvoker Health { get; }

    /// <summary>Sends a request over HTTP/1.1.</summary>
    public HttpMessageInvoker Http1(RequestState state) => Invoker(state, _http1);

    /// <summary>Sends a request over HTTP/2.</summary>
    public HttpMessageInvoker Http2(RequestState state) => Invoker(state, _http2);

    /// <summary>The beginning of URIs that lead to an address.</summary>
    public static string PrefixOf(IPEndPoint address) => $"http://{address}";

    /// <summary>As above, of where a connection's requests go; null: nowhere.</summary>
    public string? PrefixFor(Listeners.MeshConnection connection) => connection.OriginalPrefix ?? _declaredPrefix;

    /// <summary>
    /// Why a captured connection is not let through; null: it is. The sidecar's own ports trust whoever reaches them (the admin
    /// interface), or lead back here; and only what is this pod's address leads to its application.
    /// </summary>
    public string? Refuses(IPEndPoint original) =>
        OwnPorts.Contains(original.Port) ? $"port {original.Port} is the sidecar's own"
        : Own is { } own && !own.ContainsNow(original.Address) ? $"{original.Address} is no address of this pod"
        : null;

    /// <summary>A TCP connection of its own.</summary>
    public ValueTask<TcpStream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken) =>
        _connector.ConnectPlainAsync(address, ConnectTimeout, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _http1.Dispose();
        _http2.Dispose();
    }

    private ApplicationInvoker Invoker(RequestState state, HttpMessageHandler connections)
    {
        if (state.ToApplication?.Connections != connections)
        {
            state.ToApplication = new ApplicationInvoker(state, connections, _budget, _attempts);
        }

        return state.ToApplication;
    }
}
