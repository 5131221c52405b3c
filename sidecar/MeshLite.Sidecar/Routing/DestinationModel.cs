using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>What an authority leads to, ready for requests: compiled matches and live backends. Immutable; built by <c>MeshState</c>.</summary>
internal sealed class DestinationModel(DestinationConfig config, RouteTable routes, ImmutableArray<BackendModel> backends)
{
    /// <summary>As received.</summary>
    public DestinationConfig Config => config;

    /// <summary>Whether it is a service, and in the mesh.</summary>
    public DestinationKind Kind => config.Kind;

    /// <summary>The service's port.</summary>
    public ServiceRef Service => config.Service;

    /// <summary>Matches in the order of precedence.</summary>
    public RouteTable Routes => routes;

    /// <summary>What rules point at.</summary>
    public ImmutableArray<BackendModel> Backends => backends;
}
