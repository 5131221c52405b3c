using MeshLite.Metrics;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// What is known of the Services called now, read when scraped: one series a Service, and one for each endpoint that is out, so
/// never more than there are. States are 0 closed, 1 open, 2 half-open.
/// </summary>
internal static class ResilienceGauges
{
    /// <summary>Registers them; called once.</summary>
    public static void Register(MetricRegistry metrics, MeshState mesh, InboundLimits inbound)
    {
        metrics.AddGaugeCallback("meshlite_endpoints", "Endpoints known, by state.", ["state"], samples =>
        {
            var counts = mesh.Pools.SelectMany(pool => pool.Endpoints).CountBy(endpoint => endpoint.Health.State).ToDictionary();
            samples.Add(counts.GetValueOrDefault(EndpointHealthState.Closed), "ready");
            samples.Add(counts.GetValueOrDefault(EndpointHealthState.Ejected), "ejected");
            samples.Add(counts.GetValueOrDefault(EndpointHealthState.HalfOpen), "half_open");
        });
        metrics.AddGaugeCallback("meshlite_retry_budget_tokens", "Retries that the destination's budget would grant now.", ["destination_service", "destination_namespace"], samples =>
        {
            foreach (var pool in ByService(mesh))
            {
                samples.Add(pool.State.Budget.Tokens, pool.Service.Name, pool.Service.Namespace);
            }
        });
        metrics.AddGaugeCallback(
            "meshlite_circuit_state", "0 closed, 1 open, 2 half-open: of destinations whose policy declares a circuit, and of endpoints that are out.",
            ["scope", "destination_service", "destination_namespace", "endpoint"], samples =>
        {
            foreach (var pool in ByService(mesh))
            {
                if (pool.State.Circuit is { } circuit)
                {
                    samples.Add((int)circuit.State, "destination", pool.Service.Name, pool.Service.Namespace, "");
                }

                foreach (var endpoint in pool.Endpoints.Where(endpoint => endpoint.IsOut))
                {
                    samples.Add((int)endpoint.Health.State, "endpoint", pool.Service.Name, pool.Service.Namespace, endpoint.Config.Address.ToString());
                }
            }
        });
        metrics.AddGaugeCallback("meshlite_requests_in_flight", "Requests under way, by who limits them.", ["direction", "destination_service", "destination_namespace"], samples =>
        {
            samples.Add(inbound.InUse, "inbound", "", "");
            foreach (var pool in ByService(mesh))
            {
                samples.Add(pool.State.Concurrency.InUse, "outbound", pool.Service.Name, pool.Service.Namespace);
            }
        });
    }

    /// <summary>Labels name no port, so of a Service's ports the first speaks for it.</summary>
    private static IEnumerable<ServicePool> ByService(MeshState mesh) =>
        mesh.Pools.OrderBy(pool => pool.Service.Port).DistinctBy(pool => (pool.Service.Namespace, pool.Service.Name));
}
