using MeshLite.Model;
using MeshLite.Sidecar.Resilience;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// The endpoints of one port of a service, shared by every backend that names it, so that subsets and routes
/// share connections and what is known of load. Written by <c>MeshState</c> alone; read by requests.
/// </summary>
internal sealed class ServicePool(ServiceRef service, EndpointFactory factory)
{
    private volatile EndpointState[] _endpoints = [];
    private bool _updated;

    /// <summary>Whose endpoints.</summary>
    public ServiceRef Service => service;

    /// <summary>The set as it is; never changed in place.</summary>
    public EndpointState[] Endpoints => _endpoints;

    /// <summary>Whether a destination has ever named it; read and written by <c>MeshState</c>.</summary>
    public bool Named { get; set; }

    /// <summary>Policy, budget, breakers and limits.</summary>
    public ServiceState State { get; } = factory.CreateServiceState(service);

    /// <summary>
    /// Takes a new set. An endpoint that did not change keeps its connections and what is known of its load. Those of the
    /// first set count as warm, and so does the same instance under other labels; others are new (<see cref="SlowStart"/>).
    /// </summary>
    public void Update(EndpointSetConfig set)
    {
        var before = _endpoints.ToDictionary(e => e.Config.Address);
        var after = new EndpointState[set.Endpoints.Length];
        for (var i = 0; i < after.Length; i++)
        {
            var config = set.Endpoints[i];
            after[i] = before.TryGetValue(config.Address, out var known) && SameEndpoint(known.Config, config)
                ? known
                : factory.Create(config, () => State.Policy.ConnectTimeout, JoinedAt(known, config));
        }

        _updated = true;
        _endpoints = after;
        EndpointState[] gone = [.. before.Values.Except(after)];
        State.Ejector.SetEndpoints(after.Length, Array.ConvertAll(gone, endpoint => endpoint.Health));
        foreach (var endpoint in gone)
        {
            endpoint.Dispose();
        }
    }

    /// <summary>No longer used by any destination.</summary>
    public void Retire() => Update(new EndpointSetConfig(service, []));

    private long? JoinedAt(EndpointState? known, EndpointConfig config) =>
        !_updated ? SlowStart.AlwaysThere : known is not null && known.Config.Workload == config.Workload ? known.JoinedAt : null;

    private static bool SameEndpoint(EndpointConfig a, EndpointConfig b) =>
        a.Identity == b.Identity && a.Weight == b.Weight && a.Workload == b.Workload && a.Labels.SequenceEqual(b.Labels);
}
