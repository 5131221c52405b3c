using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// Collects the backends of one destination, each once, while it is compiled. Used by one <see cref="DestinationCompiler"/> run.
/// </summary>
internal sealed class BackendTable(IndexView view, int calledPort)
{
    private readonly List<BackendConfig> _backends = [];
    private readonly Dictionary<(ServiceRef Service, string Subset), int> _indexes = [];
    private readonly HashSet<IndexKey> _dependsOn = [IndexKey.Mesh];

    /// <summary>In the order first named.</summary>
    public ImmutableArray<BackendConfig> Backends => [.. _backends];

    /// <summary>Endpoint sets that the existing ones need.</summary>
    public ImmutableArray<ServiceRef> Endpoints => [.. _backends.Where(b => !b.Missing).Select(b => b.Service).Distinct()];

    /// <summary>What their being so rests on.</summary>
    public IReadOnlySet<IndexKey> DependsOn => _dependsOn;

    /// <summary>The service itself.</summary>
    public void AddSelf(ServiceKey service, ResolvedPort port) => Add(service, port, "", port.Port);

    /// <summary>What a route names; its index.</summary>
    public int Add(BackendRef backend, string routeNamespace)
    {
        var service = new ServiceKey(backend.Namespace ?? routeNamespace, backend.Name);
        var port = view.Exists(service) ? ServicePorts.FindBackend(view, service, backend.Port, calledPort) : null;
        return Add(service, port, backend.Subset ?? "", backend.Port ?? calledPort);
    }

    private int Add(ServiceKey service, ResolvedPort? port, string subset, int namedPort)
    {
        _dependsOn.Add(IndexKey.Service(service));
        var reference = new ServiceRef(service.Namespace, service.Name, port?.Port ?? namedPort);
        if (_indexes.TryGetValue((reference, subset), out var index))
        {
            return index;
        }

        var policy = view.PolicyOf(service);
        var declared = policy?.Subsets.FirstOrDefault(s => s.Name == subset);
        var byDefault = new BackendConfig { Service = reference };
        _backends.Add(byDefault with
        {
            Subset = subset,
            Labels = declared?.Labels ?? byDefault.Labels,
            Policy = (policy?.Outbound ?? byDefault.Policy) with
            {
                ConnectTimeout = policy?.ConnectTimeout ?? view.Mesh.ConnectTimeout ?? byDefault.Policy.ConnectTimeout,
            },
            Missing = port is null || (subset.Length > 0 && declared is null),
        });
        return _indexes[(reference, subset)] = _backends.Count - 1;
    }
}
