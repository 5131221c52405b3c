namespace MeshLite.Kubernetes.Objects;

/// <summary>Body of a delete.</summary>
internal sealed record DeleteOptions
{
    public string ApiVersion { get; set; } = "v1";

    public string Kind { get; set; } = "DeleteOptions";

    public Preconditions? Preconditions { get; set; }
}

/// <summary>What must hold.</summary>
internal sealed record Preconditions
{
    public string? ResourceVersion { get; set; }
}
