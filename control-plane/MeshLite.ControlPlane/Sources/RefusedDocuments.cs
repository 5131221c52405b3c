using System.Collections.Concurrent;
using System.Collections.Immutable;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Sources;

/// <summary>What is wrong with the files of the directory now, for those who ask. Written by <see cref="DirectoryState"/>, read by anyone.</summary>
internal sealed class RefusedDocuments
{
    private readonly ConcurrentDictionary<string, ImmutableArray<ResourceError>> _byFile = new(StringComparer.Ordinal);

    /// <summary>By file, then place.</summary>
    public IEnumerable<ResourceError> All => _byFile.OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => f.Value);

    /// <summary>All that is wrong with a file; none: nothing, or it is gone.</summary>
    public void Set(string file, IReadOnlyCollection<ResourceError> errors)
    {
        if (errors.Count > 0)
        {
            _byFile[file] = [.. errors];
        }
        else
        {
            _byFile.TryRemove(file, out _);
        }
    }
}
