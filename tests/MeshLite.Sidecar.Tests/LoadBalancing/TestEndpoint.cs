using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

/// <summary>An endpoint that answers in a given time.</summary>
internal sealed class TestEndpoint(TimeProvider time, int weight = 1, double milliseconds = 10) : ILoadBalanced
{
    public PeakEwma Load { get; } = new(time);

    public int Weight { get; } = weight;

    public double Milliseconds { get; set; } = milliseconds;

    public int Picked { get; set; }
}
