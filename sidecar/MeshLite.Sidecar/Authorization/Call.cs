namespace MeshLite.Sidecar.Authorization;

/// <summary>What policies may look at of one call, borrowed for the time of one decision.</summary>
internal readonly ref struct Call
{
    /// <summary>SPIFFE ID of the caller; null: it has proved none.</summary>
    public string? Principal { get; init; }

    /// <summary>Its namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>Of the application.</summary>
    public int Port { get; init; }

    /// <summary>As the application gets it; null: this is TCP.</summary>
    public string? Method { get; init; }

    /// <summary>Normalised, without query.</summary>
    public ReadOnlySpan<char> Path { get; init; }

    /// <summary>The application may read another path than <see cref="Path"/> (<see cref="Authorization.PathDoubt"/>).</summary>
    public bool PathInDoubt { get; init; }
}
