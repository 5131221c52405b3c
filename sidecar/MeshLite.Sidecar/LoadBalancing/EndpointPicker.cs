namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Picks endpoints out of one fixed list: made anew when the list changes, shared by all requests, lock-free. Callers
/// exclude what they have tried; an excluded endpoint is picked only when all are.
/// </summary>
internal abstract class EndpointPicker<TEndpoint>
    where TEndpoint : class, ILoadBalanced
{
    private protected EndpointPicker(TEndpoint[] endpoints)
    {
        foreach (var endpoint in endpoints)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(endpoint.Weight, 1, nameof(endpoints));
            HasEqualWeights &= endpoint.Weight == endpoints[0].Weight;
            MaxWeight = Math.Max(MaxWeight, endpoint.Weight);
        }

        Endpoints = endpoints;
    }

    /// <summary>The list picked from; not to be changed.</summary>
    private protected TEndpoint[] Endpoints { get; }

    private protected bool HasEqualWeights { get; } = true;

    private protected int MaxWeight { get; }

    /// <summary>An endpoint to send to; null only where the list is empty.</summary>
    public TEndpoint? Pick(in ExcludedEndpoints excluded)
    {
        switch (Endpoints.Length)
        {
            case 0:
                return null;
            case 1:
                return Endpoints[0];
        }

        var excludedHere = 0;
        if (excluded.Count > 0)
        {
            foreach (var endpoint in Endpoints)
            {
                excludedHere += excluded.Contains(endpoint) ? 1 : 0;
            }
        }

        // Where all have been tried, none is worse than the others.
        return excludedHere == Endpoints.Length ? Pick(default, 0) : Pick(in excluded, excludedHere);
    }

    /// <summary>At least two endpoints, at least one of them not excluded.</summary>
    private protected abstract TEndpoint Pick(in ExcludedEndpoints excluded, int excludedHere);
}
