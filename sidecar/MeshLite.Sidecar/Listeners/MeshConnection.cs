using System.Net;
using System.Net.Security;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Sidecar.Identity;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// What is known of one accepted connection; a connection feature, so each of its requests sees it. Written
/// by the listener and, once, by the TLS middleware, before any request; read by requests.
/// </summary>
internal sealed class MeshConnection(ListenerRole role, ConnectionProtocol protocol)
{
    /// <summary>Which door it came in by.</summary>
    public ListenerRole Role { get; } = role;

    /// <summary>What it speaks.</summary>
    public ConnectionProtocol Protocol { get; } = protocol;

    /// <summary>Where it was going before it was captured; null: to the sidecar itself.</summary>
    public IPEndPoint? Original { get; init; }

    /// <summary><see cref="Original"/> as an authority, and as the beginning of URIs; made once.</summary>
    public string? OriginalAuthority { get; init; }

    /// <inheritdoc cref="OriginalAuthority"/>
    public string? OriginalPrefix { get; init; }

    /// <summary>The verified peer; null on a plaintext connection.</summary>
    public SpiffeId? Peer { get; set; }

    /// <summary>The TLS handshake, where there is one.</summary>
    public TlsHandshake<SslServerAuthenticationOptions>? Handshake { get; set; }

    /// <summary>
    /// The peer's workload as it named itself in its first request, kept for the whole connection: one peer,
    /// one name, so that a peer can't grow the number of metric series.
    /// </summary>
    public string? PeerWorkload { get; set; }

    /// <summary><see cref="Peer"/> as text, made once.</summary>
    public string? PeerId { get; set; }

    /// <summary>Lets a draining sidecar ask the connection to end after what is in flight.</summary>
    public IConnectionLifetimeNotificationFeature? Lifetime { get; set; }

    /// <summary>Below HTTP; null until Kestrel serves it.</summary>
    public ConnectionContext? Transport { get; set; }

    /// <summary>Of an HTTP/2 connection.</summary>
    public ResetBudget? Resets { get; set; }

    /// <summary>Whether a request has come by it.</summary>
    public bool HasServed { get; set; }

    /// <summary>Whether none had when a draining sidecar last looked; <see cref="ConnectionTracker"/>'s own.</summary>
    public bool WasSilent { get; set; }
}
