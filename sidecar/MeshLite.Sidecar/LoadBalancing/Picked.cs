namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>A picker's choice: null where there is no endpoint. <see cref="IsProbe"/>: it is out, and this request finds out whether it is back.</summary>
internal readonly record struct Picked<TEndpoint>(TEndpoint? Endpoint, bool IsProbe)
    where TEndpoint : class;
