using MeshLite.Protocol.V1;

namespace MeshLite.Cli.Operator;

/// <summary>What all replicas reported, put together. Filled by <see cref="OperatorClient"/>, then only read.</summary>
internal sealed class MeshReport
{
    private readonly List<(string Replica, ReplicaState State, TimeSpan Offset)> _replicas = [];
    private readonly List<(string Address, string Problem)> _unheard = [];
    private readonly List<SidecarState> _sidecars = [];

    /// <summary>Those heard, the one that was asked first; with their clocks less ours.</summary>
    public IReadOnlyList<(string Replica, ReplicaState State, TimeSpan Offset)> Replicas => _replicas;

    /// <summary>Those that did not answer; their sidecars are missing.</summary>
    public IReadOnlyList<(string Address, string Problem)> Unheard => _unheard;

    /// <summary>By namespace and name.</summary>
    public IReadOnlyList<SidecarState> Sidecars => _sidecars;

    /// <summary>Of the configuration, as the replica that was asked sees it.</summary>
    public IEnumerable<ConfigProblem> Problems => _replicas.Count > 0 ? _replicas[0].State.Problems : [];

    /// <summary>Adds a message that came at <paramref name="now"/>.</summary>
    public void Add(ReplicaReport part, DateTimeOffset now)
    {
        switch (part.PartCase)
        {
            case ReplicaReport.PartOneofCase.State:
                _replicas.Add((part.Replica, part.State, DateTimeOffset.FromUnixTimeMilliseconds(part.State.Clock) - now));
                break;
            case ReplicaReport.PartOneofCase.Unheard:
                _unheard.Add((part.Replica, part.Unheard.Problem));
                break;
            case ReplicaReport.PartOneofCase.Sidecars:
                _sidecars.AddRange(part.Sidecars.Sidecars_);
                _sidecars.Sort((a, b) => (NamespaceOf(a), a.Workload).CompareTo((NamespaceOf(b), b.Workload)));
                break;
        }
    }

    /// <summary>Of a sidecar's identity.</summary>
    public static string NamespaceOf(SidecarState sidecar) => Model.SpiffeId.TryParse(sidecar.SpiffeId, out var id) ? id.Namespace : "";
}
