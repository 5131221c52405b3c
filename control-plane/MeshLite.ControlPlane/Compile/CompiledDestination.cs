using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>What one authority compiles to. Immutable.</summary>
/// <param name="Config">The destination.</param>
/// <param name="Endpoints">The endpoint sets it needs: those of its backends that exist, each once, in order.</param>
/// <param name="DependsOn">Parts of the index whose change may change it.</param>
public sealed record CompiledDestination(DestinationConfig Config, ImmutableArray<ServiceRef> Endpoints, ImmutableHashSet<IndexKey> DependsOn);
