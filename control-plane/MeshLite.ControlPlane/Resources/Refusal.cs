using System.Collections.Immutable;

namespace MeshLite.ControlPlane.Resources;

/// <summary>An object of a cluster that is stored, but cannot be read: the last good version of it, if any, is in force. Immutable.</summary>
/// <param name="Generation">Which version of its spec (<c>metadata.generation</c>).</param>
/// <param name="Errors">All that is wrong with it.</param>
public sealed record Refusal(long Generation, ImmutableArray<ResourceError> Errors);
