using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
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
        _picker = CreatePicker(Config.Policy.LoadBalancer, endpoints);
    }

    /// <summary>
    /// An endpoint for one attempt, not one of <paramref name="tried"/> while there is another, nor one that is out unless it is to
    /// be probed; none when there is none. <paramref name="key"/> is <see cref="KeyOf"/> the request.
    /// </summary>
    public Picked<EndpointState> Pick(in ExcludedEndpoints tried, ulong? key) => _picker.Pick(in tried, key, Pool.State.Ejector.OutCount > 0);

    /// <summary>What a request is hashed by; null where this backend does not hash, or the request lacks it. Once a request: all attempts share it.</summary>
    public ulong? KeyOf(HttpContext context) => Config.Policy.LoadBalancer is { Type: LoadBalancerType.RingHash } hashing
        ? HashKey.Of(hashing.HashOn, context.Request.Headers, context.Connection.RemoteIpAddress)
        : null;

    private EndpointPicker<EndpointState> CreatePicker(LoadBalancerConfig config, EndpointState[] endpoints)
    {
        var slowStart = config.SlowStart > TimeSpan.Zero ? new SlowStart(config.SlowStart, _time) : null;
        return config.Type switch
        {
            LoadBalancerType.RoundRobin => new RoundRobinPicker<EndpointState>(endpoints, _random, slowStart),
            LoadBalancerType.LeastRequest => new LeastRequestPicker<EndpointState>(endpoints, _random, _time, slowStart),
            LoadBalancerType.Random => new RandomPicker<EndpointState>(endpoints, _random, slowStart),
            LoadBalancerType.RingHash => new RingHashPicker<EndpointState>(endpoints, _random),
            _ => new P2cPicker<EndpointState>(endpoints, _random, _time, slowStart),
        };
    }

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
