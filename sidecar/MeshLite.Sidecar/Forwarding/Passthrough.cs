using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Sockets;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Calls to what is not in the mesh: by name through DNS, or, of a captured connection, to where it was going; in plaintext, in
/// the caller's HTTP version, without retries. One per program; thread-safe.
/// </summary>
internal sealed class Passthrough : IDisposable
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(1);

    /// <value>Connect, name resolution included. 10 s: the outside is farther than the mesh.</value>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly EndpointConnector _connector;
    private readonly HttpForwarding _forwarding;
    private readonly HttpMessageInvoker _http1;
    private readonly HttpMessageInvoker _http2;
    private readonly PassthroughTransformer _transformer = new();

    /// <summary>Connects on first use.</summary>
    public Passthrough(EndpointConnector connector, HttpForwarding forwarding, TimeProvider time)
    {
        _connector = connector;
        _forwarding = forwarding;
        _http1 = new HttpMessageInvoker(new Destinations<Http1Handler>((host, port, unused) =>
        {
            var authority = new DnsEndPoint(host, port);
            return new Http1Handler(cancellation => ConnectAsync(authority, cancellation), IdleTimeout, time, unused);
        }));
        _http2 = new HttpMessageInvoker(new Destinations<Http2Handler>((host, port, unused) =>
        {
            var authority = new DnsEndPoint(host, port);
            return new Http2Handler(
                async (unusable, cancellation) => await connector.BeginPlainHttpAsync(await ConnectAsync(authority, cancellation), authority, IdleTimeout, unusable, cancellation),
                unused);
        }));
    }

    /// <summary>The sidecar's own ports, set once its listeners are bound: a name that leads back here would go round for ever.</summary>
    public IReadOnlyCollection<int> OwnPorts { get; set; } = [];

    /// <summary>Forwards a request to what <paramref name="prefix"/> names, as <c>http://HOST:PORT</c>.</summary>
    public ValueTask<ForwarderError> ForwardAsync(RequestState state, string prefix, CancellationToken timeout) =>
        _forwarding.ToOutsideAsync(state, _http1, _http2, prefix, _transformer, timeout);

    /// <summary>A TCP connection to a name or address outside.</summary>
    public async ValueTask<TcpStream> ConnectAsync(EndPoint authority, CancellationToken cancellationToken)
    {
        var stream = await _connector.ConnectPlainAsync(authority, ConnectTimeout, cancellationToken);
        if (stream.Socket.RemoteEndPoint is IPEndPoint remote && OwnPorts.Contains(remote.Port)
            && (IPAddress.IsLoopback(remote.Address) || remote.Address.Equals(stream.Socket.LocalEndPoint?.Address)))
        {
            await stream.DisposeAsync();
            throw new ConnectException(tls: false, $"'{authority}' leads back to this sidecar");
        }

        return stream;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http1.Dispose();
        _http2.Dispose();
    }

    /// <summary>What is not in the mesh says nothing for it.</summary>
    internal sealed class PassthroughTransformer : MessageTransformer
    {
        protected override bool ServerIsVerifiedSidecar(HttpContext context) => false;

        protected override void OnAnswered(RequestState state) => RequestDeadline.OnAnswered(state, TimeSpan.MaxValue);
    }
}
