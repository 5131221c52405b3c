namespace MeshLite.Kubernetes.Objects;

/// <summary>Body of a delete.</summary>
internal sealed record DeleteOptions
{
    public string ApiVersion { get; init; } = "v1";

    public string Kind { get; init; } = "DeleteOptions";

    public Preconditions? Preconditions { get; init; }
}

/// <summary>What must hold.</summary>
internal sealed record Preconditions
{
    public string? ResourceVersion { get; init; }
}
