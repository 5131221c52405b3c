using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The application beside this sidecar, reached on loopback without TLS: one pool of HTTP/1.1 connections, one
/// of HTTP/2 (prior knowledge). One per program; thread-safe.
/// </summary>
internal sealed class LocalApplication : IDisposable
{
    /// <value>Shorter than common servers' own keep-alive (5 s in Node.js), so that no request meets a closing connection. 4 s.</value>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(4);

    /// <value>Loopback answers at once or not at all. 1 s.</value>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    private readonly EndpointConnector _connector;
    private readonly SocketsHttpHandler _http1;
    private readonly SocketsHttpHandler _http2;

    /// <summary>Makes the pools; connects on first use.</summary>
    public LocalApplication(IPEndPoint address, EndpointConnector connector, AttemptSettings attempts)
    {
        Address = address;
        _connector = connector;
        _http1 = HttpHandlers.Create(
            async (_, cancellation) => new SingleSendStream(await connector.ConnectPlainAsync(address, ConnectTimeout, cancellation)), IdleTimeout);
        _http2 = HttpHandlers.Create(
            async (_, cancellation) => await connector.ConnectPlainAsync(address, ConnectTimeout, cancellation), IdleTimeout);
        var budget = new RetryBudget(new RetryBudgetConfig(), attempts.Time);
        Http1 = new ApplicationInvoker(_http1, budget, attempts);
        Http2 = new ApplicationInvoker(_http2, budget, attempts);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Sends over HTTP/1.1.</summary>
    public HttpMessageInvoker Http1 { get; }

    /// <summary>Sends over HTTP/2.</summary>
    public HttpMessageInvoker Http2 { get; }

    /// <summary>A TCP connection of its own.</summary>
    public ValueTask<System.Net.Sockets.NetworkStream> ConnectAsync(CancellationToken cancellationToken) =>
        _connector.ConnectPlainAsync(Address, ConnectTimeout, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _http1.Dispose();
        _http2.Dispose();
    }
}
