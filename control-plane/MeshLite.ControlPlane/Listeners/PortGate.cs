using System.Net;
using MeshLite.Hosting;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.ControlPlane.Listeners;

/// <summary>
/// Counts the connections of one port and refuses those beyond its <see cref="PortLimits"/>, before they cost a handshake. One a port; thread-safe: one lock,
/// taken twice or three times in a connection's life.
/// </summary>
internal sealed class PortGate(string listener, PortLimits limits, PortRefusals refusals, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _unprovenOf = [];
    private int _unproven;
    private int _proven;

    /// <summary>Connections without a certificate of the mesh.</summary>
    public int Unproven => Volatile.Read(ref _unproven);

    /// <summary>Connections with one.</summary>
    public int Proven => Volatile.Read(ref _proven);

    /// <summary>A middleware, before TLS.</summary>
    public ConnectionDelegate Enter(ConnectionDelegate next) => async connection =>
    {
        connection.ConnectionId = KestrelRefusals.ConnectionId(listener, connection.RemoteEndPoint);
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (TryEnter(address) is { } refusal)
        {
            Refuse(connection, KestrelRefusals.TooMany, refusal);
            return;
        }

        using var gated = new GatedConnection(this, connection, address);
        connection.Features.Set(gated);
        gated.Begin(limits.UnprovenLife, time);
        await next(connection);
    };

    /// <summary>Says in the log that a connection is refused, and counts it.</summary>
    public void Note(ConnectionContext connection, string reason, string detail) => refusals.Refused(listener, $"{connection.RemoteEndPoint}", reason, detail);

    /// <summary>The same for what is counted elsewhere.</summary>
    public void Log(ConnectionContext connection, string detail) => refusals.Log(listener, $"{connection.RemoteEndPoint}", detail);

    /// <summary>Notes it, and ends it.</summary>
    public void Refuse(ConnectionContext connection, string reason, string detail)
    {
        Note(connection, reason, detail);
        connection.Abort(new ConnectionAbortedException(detail));
    }

    /// <summary>Whether there is room among the proven for one that was not; then it is one of them.</summary>
    public bool TryProve(IPAddress address)
    {
        lock (_lock)
        {
            if (_proven >= limits.MaxProven)
            {
                return false;
            }

            _proven++;
            LeaveUnproven_NeedsLock(address);
            return true;
        }
    }

    /// <summary>A connection has ended.</summary>
    public void Leave(IPAddress address, bool proven)
    {
        lock (_lock)
        {
            if (proven)
            {
                _proven--;
            }
            else
            {
                LeaveUnproven_NeedsLock(address);
            }
        }
    }

    private string? TryEnter(IPAddress address)
    {
        lock (_lock)
        {
            var ofOne = _unprovenOf.GetValueOrDefault(address);
            if (_unproven >= limits.MaxUnproven || ofOne >= limits.MaxUnprovenOfOne)
            {
                return ofOne >= limits.MaxUnprovenOfOne
                    ? $"{ofOne:N0} connections of this address are open already that have shown no certificate"
                    : $"{_unproven:N0} connections are open already that have shown no certificate";
            }

            _unproven++;
            _unprovenOf[address] = ofOne + 1;
            return null;
        }
    }

    private void LeaveUnproven_NeedsLock(IPAddress address)
    {
        _unproven--;
        if (--System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(_unprovenOf, address) == 0)
        {
            _unprovenOf.Remove(address);
        }
    }
}
