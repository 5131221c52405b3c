using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MeshLite.Model;
using MeshLite.Protocol.Client;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Identity;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Makes connections: TCP, and TLS 1.3 with both sides' identities checked. Every failure is a
/// <see cref="ConnectException"/>, and none has sent a byte of a request. Thread-safe.
/// </summary>
internal sealed class EndpointConnector(WorkloadIdentity workload, HandshakeCounter handshakes, ProvenConnections proven, TimeProvider time)
{
    private static readonly TimeSpan FirstWordTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// This pod's addresses, in transparent mode: the sidecar calls itself there from the loopback address, by which the rules know
    /// such a call from one to its application (<see cref="Capture.CaptureRules"/>). Set before anything connects.
    /// </summary>
    public OwnAddresses? Own { get; set; }

    /// <summary>Connects to a peer sidecar; the server must prove to be <paramref name="identity"/>.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="identity">Whom it must prove to be.</param>
    /// <param name="alpn">What is to be spoken inside.</param>
    /// <param name="timeout">Bound on TCP connect and handshake together.</param>
    /// <param name="cancellationToken">The caller's; cancels the connect.</param>
    public async ValueTask<MeshTlsStream> ConnectMeshAsync(
        IPEndPoint address, SpiffeId identity, SslApplicationProtocol alpn, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var own = workload.Current ?? throw new ConnectException(tls: true, "this sidecar has no certificate yet");
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var socket = await ConnectSocketAsync(address, timeout, either.Token, cancellationToken, from: Own?.Contains(address.Address) == true ? Loopback(address) : null);
        var stream = MeshTlsStream.Over(socket);
        var handshake = ClientTls.Prepare(own, identity, address, alpn);
        try
        {
            await stream.AuthenticateAsClientAsync(handshake.Options, either.Token);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or SocketException)
        {
            await stream.DisposeAsync();
            handshakes.Outbound(handshake.Outcome(e), address);
            cancellationToken.ThrowIfCancellationRequested();
            var why = handshake.Result.Failure != PeerFailure.None ? $"the server's certificate {handshake.Result.Failure.ToSentence()}"
                : e is OperationCanceledException ? $"no handshake within {timeout.TotalMilliseconds:0} ms"
                : e.Message;
            throw new ConnectException(tls: true, $"TLS with {address} failed: {why}", e);
        }

        if (stream.NegotiatedApplicationProtocol != alpn)
        {
            await stream.DisposeAsync();
            handshakes.Outbound("no_mesh_alpn", address);
            throw new ConnectException(tls: true, $"{address} is not a mesh sidecar (no {alpn})");
        }

        handshakes.Outbound(handshake.Outcome(null), address);
        stream.Proof = proven.Add(handshake.EndsAt, handshake.Result.Root, ask: null, stream.Reset);
        return stream;
    }

    /// <summary>
    /// As above, for HTTP/2. In TLS 1.3 the client is done before the server has judged its certificate, and a server that does not like it just closes: a peer that
    /// says no first word was not connected to.
    /// </summary>
    public async Task<Http2Connection> ConnectHttpAsync(
        IPEndPoint address, SpiffeId identity, TimeSpan timeout, Action<Http2Connection> unusable, CancellationToken cancellationToken)
    {
        var stream = await ConnectMeshAsync(address, identity, MeshTls.Http, timeout, cancellationToken);
        return await BeginHttpAsync(stream, address, tls: true, timeout, Http2Idling.Mesh, unusable, cancellationToken);
    }

    /// <summary>HTTP/2 by prior knowledge (RFC 9113 §3.3) on a connection without TLS, which it owns. A server that speaks it says so within 10 s.</summary>
    public Task<Http2Connection> BeginPlainHttpAsync(
        TcpStream stream, EndPoint address, TimeSpan idleTimeout, Action<Http2Connection> unusable, CancellationToken cancellationToken) =>
        BeginHttpAsync(stream, address, tls: false, FirstWordTimeout, new Http2Idling(idleTimeout, Pings: false), unusable, cancellationToken);

    /// <summary>Connects without TLS.</summary>
    public async ValueTask<TcpStream> ConnectPlainAsync(EndPoint address, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        return new TcpStream(await ConnectSocketAsync(address, timeout, either.Token, cancellationToken));
    }

    private async Task<Http2Connection> BeginHttpAsync(
        Stream stream, EndPoint address, bool tls, TimeSpan timeout, Http2Idling idling, Action<Http2Connection> unusable, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await Http2Connection.OpenAsync(stream, idling, unusable, time, either.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (tls && e is not (OperationCanceledException or Http2ConnectionException))
            {
                handshakes.Outbound("refused_by_peer", address);
            }

            throw new ConnectException(tls, e switch
            {
                OperationCanceledException => $"{address} said no word of HTTP/2 within {timeout.TotalMilliseconds:0} ms",
                Http2ConnectionException => $"{address} does not speak HTTP/2",
                _ when tls => $"{address} closed before it said a word: it may not accept this sidecar's certificate",
                _ => $"{address} closed before it said a word of HTTP/2",
            }, e);
        }
    }

    private static IPEndPoint Loopback(IPEndPoint of) => new(of.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0);

    private static async ValueTask<TcpSocket> ConnectSocketAsync(
        EndPoint address, TimeSpan timeout, CancellationToken either, CancellationToken caller, IPEndPoint? from = null)
    {
        try
        {
            return await (address is DnsEndPoint name
                ? TcpDialer.ConnectAsync(name.Host, name.Port, static (one, cancellation) => TcpSocket.ConnectAsync(one, from: null, cancellation), either)
                : TcpSocket.ConnectAsync((IPEndPoint)address, from, either));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            caller.ThrowIfCancellationRequested();
            throw new ConnectException(tls: false, e is SocketException s
                ? $"connecting to {address} failed: {s.SocketErrorCode}"
                : $"no connection to {address} within {timeout.TotalMilliseconds:0} ms", e);
        }
    }
}
