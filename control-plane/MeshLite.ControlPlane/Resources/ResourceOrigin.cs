using System.Globalization;

namespace MeshLite.ControlPlane.Resources;

/// <summary>
/// Where a document stands, and so how old it counts where the Gateway API says "oldest": in a cluster by its creation, standalone by
/// file name, then by the document's place in the file.
/// </summary>
/// <param name="File">File name; empty for an object of a cluster.</param>
/// <param name="Index">Place of the document in the file, from 0.</param>
/// <param name="Line">First line of the document, from 1; for people only.</param>
public readonly record struct ResourceOrigin(string File, int Index, int Line) : IComparable<ResourceOrigin>
{
    /// <summary><c>metadata.creationTimestamp</c> of an object of a cluster, to the second as Kubernetes has it.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>An object of a cluster.</summary>
    public static ResourceOrigin InCluster(DateTimeOffset createdAt) => new("", 0, 1) { CreatedAt = createdAt };

    /// <inheritdoc/>
    public int CompareTo(ResourceOrigin other) =>
        CreatedAt.CompareTo(other.CreatedAt) is var byAge and not 0 ? byAge
        : string.CompareOrdinal(File, other.File) is var byFile and not 0 ? byFile
        : Index.CompareTo(other.Index);

    /// <inheritdoc/>
    public override string ToString() =>
        string.IsNullOrEmpty(File) ? string.Create(CultureInfo.InvariantCulture, $"created {CreatedAt.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}") : $"{File}:{Line}";
}
