using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using MeshLite.Model;
using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Where a rule may send a request: the endpoints of a service, or the subset of them whose labels match, and
/// the way one is picked. Built by <c>MeshState</c>, which refreshes <see cref="Endpoints"/> when the service's
/// set changes; requests read one array per pick.
/// </summary>
internal sealed class BackendModel
{
    private readonly Random _random;
    private readonly TimeProvider _time;
    private volatile EndpointPicker<EndpointState> _picker;
    private volatile EndpointState[] _endpoints;

    /// <summary>Builds it and takes the pool's present endpoints.</summary>
    public BackendModel(BackendConfig config, ServicePool pool, Random random, TimeProvider time)
    {
        Config = config;
        Pool = pool;
        Name = config.Subset.Length == 0 ? config.Service.ToString() : $"{config.Service}/{config.Subset}";
        _random = random;
        _time = time;
        Refresh();
    }

    /// <summary>As received.</summary>
    public BackendConfig Config { get; }

    /// <summary>The service's endpoints.</summary>
    public ServicePool Pool { get; }

    /// <summary><c>shop/orders:80/v2</c>.</summary>
    public string Name { get; }

    /// <summary>Those a request may go to.</summary>
    public EndpointState[] Endpoints => _endpoints;

    /// <summary>Takes the pool's endpoints anew; called by <c>MeshState</c> alone.</summary>
    [MemberNotNull(nameof(_picker), nameof(_endpoints))]
    public void Refresh()
    {
        var labels = Config.Labels;
        EndpointState[] endpoints = labels.IsEmpty
            ? Pool.Endpoints
            : Array.FindAll(Pool.Endpoints, endpoint => Selects(labels, endpoint.Config));
        _endpoints = endpoints;
        _picker = Config.Policy.LoadBalancer.Type == LoadBalancerType.RoundRobin
            ? new RoundRobinPicker<EndpointState>(endpoints, _random)
            : new P2cPicker<EndpointState>(endpoints, _random, _time);
    }

    /// <summary>An endpoint for one attempt, not one of <paramref name="tried"/> while there is another; null when there is none.</summary>
    public EndpointState? Pick(in ExcludedEndpoints tried) => _picker.Pick(in tried);

    private static bool Selects(ImmutableSortedDictionary<string, string> labels, EndpointConfig endpoint)
    {
        foreach (var (name, value) in labels)
        {
            if (!endpoint.Labels.TryGetValue(name, out var actual) || actual != value)
            {
                return false;
            }
        }

        return true;
    }
}
