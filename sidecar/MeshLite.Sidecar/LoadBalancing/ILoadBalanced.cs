namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>What a picker needs to know of an endpoint. Implemented by the endpoint's state, and by tests.</summary>
internal interface ILoadBalanced
{
    /// <summary>How loaded it is, as seen from this sidecar.</summary>
    PeakEwma Load { get; }

    /// <summary>Relative share; does not change. <value>At least 1.</value></summary>
    int Weight { get; }

    /// <summary>When it joined the set, a timestamp of the time provider, or <see cref="SlowStart.AlwaysThere"/>; does not change.</summary>
    long JoinedAt { get; }

    /// <summary>Its place on hash rings: the same in every sidecar, evenly distributed; does not change.</summary>
    ulong HashId { get; }

    /// <summary>Whether it failed too often and is left alone for now.</summary>
    bool IsOut { get; }

    /// <summary>
    /// Asks to send a request to an endpoint that is out, to see whether it is back. True for one caller at a time, once its
    /// time is over; whoever got it sends the request there.
    /// </summary>
    bool TryProbe();
}
