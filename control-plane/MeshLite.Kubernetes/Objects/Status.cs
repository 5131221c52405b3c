namespace MeshLite.Kubernetes.Objects;

/// <summary>How the server says that something went wrong (meta/v1 Status).</summary>
internal sealed record Status
{
    public string? Message { get; init; }

    public string? Reason { get; init; }

    public int Code { get; init; }

    public StatusDetails? Details { get; init; }
}

/// <summary>More about it.</summary>
internal sealed record StatusDetails
{
    public int? RetryAfterSeconds { get; init; }

    public IReadOnlyList<StatusCause>? Causes { get; init; }
}

/// <summary>One of the reasons why an object was refused.</summary>
public sealed record StatusCause
{
    /// <summary>Kind of mistake: <c>FieldValueInvalid</c>.</summary>
    public string? Reason { get; init; }

    /// <summary>Sentence.</summary>
    public string? Message { get; init; }

    /// <summary>Where: <c>spec.rules[0].matches</c>.</summary>
    public string? Field { get; init; }
}
