using BenchmarkDotNet.Attributes;
using MeshLite.Model;

namespace MeshLite.Benchmarks;

/// <summary>An endpoint for one attempt, as <c>AttemptInvoker</c> asks for it.</summary>
public class PickBenchmarks
{
    private BenchMesh _mesh = null!;
    private ulong _key;

    [Params(LoadBalancerType.PeakEwma, LoadBalancerType.LeastRequest, LoadBalancerType.RoundRobin, LoadBalancerType.RingHash)]
    public LoadBalancerType Balancer { get; set; }

    [Params(2, 100, 5000)]
    public int Endpoints { get; set; }

    [Params(false, true)]
    public bool OneOut { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _mesh = new BenchMesh(Endpoints, Balancer);
        if (OneOut)
        {
            _mesh.EjectOne();
        }
    }

    [Benchmark]
    public object Pick()
    {
        // Steps of the golden ratio: keys from all around the ring.
        _key = unchecked(_key + 0x9E3779B97F4A7C15);
        return _mesh.Backend.Pick(default, _key).Endpoint!;
    }
}
