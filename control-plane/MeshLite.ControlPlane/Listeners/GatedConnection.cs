using System.Net;
using MeshLite.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace MeshLite.ControlPlane.Listeners;

/// <summary>One connection that a <see cref="PortGate"/> let in; a connection feature. Proved and disposed by its own middleware, one after the other; the rest is thread-safe.</summary>
internal sealed class GatedConnection(PortGate gate, ConnectionContext connection, IPAddress address) : IDisposable
{
    private readonly ResetBudget _resets = new();
    private ITimer? _patience;
    private volatile bool _proven;

    /// <summary>Whether the handshake was done; written by its connection's middleware alone.</summary>
    public bool HasShakenHands { get; set; }

    /// <summary>Whether it was ended for what it is.</summary>
    public bool WasRefused { get; private set; }

    /// <summary>Its life without a certificate begins; null: it may be as long as it likes.</summary>
    public void Begin(TimeSpan? life, TimeProvider time) =>
        _patience = life is { } bound ? time.CreateTimer(static state => ((GatedConnection)state!).OnLate(), this, bound, Timeout.InfiniteTimeSpan) : null;

    /// <summary>Its caller has shown a certificate of the mesh; false: there are too many of these, and it has been refused.</summary>
    public bool Prove()
    {
        if (!gate.TryProve(address))
        {
            gate.Refuse(connection, KestrelRefusals.TooMany, $"{gate.Proven:N0} connections with certificates of the mesh are open already");
            return false;
        }

        _proven = true;
        _patience?.Dispose();
        return true;
    }

    /// <summary>A request has ended.</summary>
    public void RequestEnded(HttpContext context)
    {
        switch (_resets.Ended(context.RequestAborted.IsCancellationRequested))
        {
            case ResetVerdict.Ask when !connection.ConnectionClosed.IsCancellationRequested:
                gate.Note(connection, "too_many_resets", $"{ResetBudget.Full:N0} requests more were reset than let finish");
                connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
                break;
            case ResetVerdict.Cut:
                connection.Abort(new ConnectionAbortedException("Too many streams were reset."));
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _patience?.Dispose();
        gate.Leave(address, _proven);
    }

    private void OnLate()
    {
        if (!_proven)
        {
            WasRefused = true;
            gate.Refuse(connection, "no_certificate", "it has lived as long as a connection may that shows no certificate");
        }
    }
}
