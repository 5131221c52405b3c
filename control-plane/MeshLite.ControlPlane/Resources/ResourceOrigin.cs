namespace MeshLite.ControlPlane.Resources;

/// <summary>
/// Where a document stands. Its order stands in for age, where the Gateway API says "oldest": by file name, then by
/// the document's place in the file.
/// </summary>
/// <param name="File">File name.</param>
/// <param name="Index">Place of the document in the file, from 0.</param>
/// <param name="Line">First line of the document, from 1; for people only.</param>
public readonly record struct ResourceOrigin(string File, int Index, int Line) : IComparable<ResourceOrigin>
{
    /// <inheritdoc/>
    public int CompareTo(ResourceOrigin other) =>
        string.CompareOrdinal(File, other.File) is var byFile and not 0 ? byFile : Index.CompareTo(other.Index);

    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line}";
}
