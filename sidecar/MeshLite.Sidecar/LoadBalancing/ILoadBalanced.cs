namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>What a picker needs to know of an endpoint. Implemented by the endpoint's state, and by tests.</summary>
internal interface ILoadBalanced
{
    /// <summary>How loaded it is, as seen from this sidecar.</summary>
    PeakEwma Load { get; }

    /// <summary>Relative share; does not change. <value>At least 1.</value></summary>
    int Weight { get; }
}
