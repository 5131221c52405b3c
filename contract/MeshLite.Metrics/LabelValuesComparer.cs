using System.Diagnostics.CodeAnalysis;

namespace MeshLite.Metrics;

/// <summary>Compares label values by content, and looks them up by span so that a lookup allocates nothing.</summary>
internal sealed class LabelValuesComparer : IEqualityComparer<string[]>, IAlternateEqualityComparer<ReadOnlySpan<string>, string[]>
{
    public static readonly LabelValuesComparer Instance = new();

    public bool Equals(string[]? x, string[]? y) => ReferenceEquals(x, y) || (x is not null && y is not null && x.AsSpan().SequenceEqual(y));

    public int GetHashCode([DisallowNull] string[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<string> alternate, string[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<string> alternate)
    {
        // Seeded per process (HashCode, string.GetHashCode): label values may come from outside.
        var hash = default(HashCode);
        foreach (var value in alternate)
        {
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    public string[] Create(ReadOnlySpan<string> alternate) => alternate.ToArray();
}
