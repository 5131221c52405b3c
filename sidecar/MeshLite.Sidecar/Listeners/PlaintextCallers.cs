using System.Net;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Who still calls this workload without mTLS: what to look at before it is made Strict. Callers without identity have only an
/// address, which is no label; the newest are kept for <c>/stats</c>. Once a connection, never a request; thread-safe.
/// </summary>
internal sealed class PlaintextCallers(MetricRegistry metrics, TimeProvider time)
{
    /// <value>Addresses kept; the one not heard of for longest goes first. 64.</value>
    public const int MaxKept = 64;

    private readonly CounterFamily _connections = metrics.AddCounter(
        "meshlite_plaintext_connections_total", "Connections to this workload without mTLS, by protocol (http, tcp) and whether they were let in.", "protocol", "result");

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, PlaintextCaller> _callers = [];
    private long _noted;

    /// <summary>When counting began.</summary>
    public DateTimeOffset Since { get; } = time.GetUtcNow();

    /// <summary>Connections noted so far: differs when <see cref="Newest"/> does.</summary>
    public long Noted => Volatile.Read(ref _noted);

    /// <summary>Newest first.</summary>
    public IReadOnlyList<PlaintextCaller> Newest
    {
        get
        {
            lock (_lock)
            {
                return [.. _callers.Values.OrderByDescending(caller => caller.Last)];
            }
        }
    }

    /// <summary>One more connection.</summary>
    public void Note(EndPoint? from, bool http, bool letIn)
    {
        _connections.Series(http ? "http" : "tcp", letIn ? "served" : "refused").Increment();
        if (from is not IPEndPoint { Address: var address })
        {
            return;
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        lock (_lock)
        {
            if (!_callers.TryGetValue(address, out var known) && _callers.Count >= MaxKept)
            {
                _callers.Remove(_callers.MinBy(caller => caller.Value.Last).Key);
            }

            _callers[address] = new PlaintextCaller(address, (known?.Connections ?? 0) + 1, (known?.Refused ?? 0) + (letIn ? 0 : 1), time.GetUtcNow());
            _noted++;
        }
    }
}

/// <summary>One of them.</summary>
internal sealed record PlaintextCaller(IPAddress Address, long Connections, long Refused, DateTimeOffset Last);
