namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// The better of two by the requests this sidecar has in flight there, whatever their latency: Envoy's least request with its
/// default of two choices (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers#weighted-least-request).
/// Weights, for which Envoy leaves the two choices, work as in <see cref="P2cPicker{TEndpoint}"/>.
/// </summary>
internal sealed class LeastRequestPicker<TEndpoint>(TEndpoint[] endpoints, Random random, TimeProvider timeProvider, SlowStart? slowStart = null)
    : P2cPicker<TEndpoint>(endpoints, random, timeProvider, slowStart)
    where TEndpoint : class, ILoadBalanced
{
    private protected override double Cost(TEndpoint endpoint, double weight, long now) => (endpoint.Load.InFlight / weight) + 1;
}
