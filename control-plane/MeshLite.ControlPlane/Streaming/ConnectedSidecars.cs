using System.Collections.Concurrent;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>The sidecars that have a stream to this replica. Thread-safe; each stream adds itself once and takes itself away.</summary>
internal sealed class ConnectedSidecars
{
    private readonly ConcurrentDictionary<ConnectedSidecar, byte> _all = new();

    /// <summary>Now, in no order.</summary>
    public ICollection<ConnectedSidecar> All => _all.Keys;

    /// <summary>A stream began.</summary>
    public void Add(ConnectedSidecar sidecar) => _all.TryAdd(sidecar, 0);

    /// <summary>It ended.</summary>
    public void Remove(ConnectedSidecar sidecar) => _all.TryRemove(sidecar, out _);
}
