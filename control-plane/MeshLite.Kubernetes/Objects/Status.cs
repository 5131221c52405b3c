namespace MeshLite.Kubernetes.Objects;

/// <summary>How the server says that something went wrong (meta/v1 Status).</summary>
internal sealed record Status
{
    public string? Message { get; set; }

    public string? Reason { get; set; }

    public int Code { get; set; }

    public StatusDetails? Details { get; set; }
}

/// <summary>More about it.</summary>
internal sealed record StatusDetails
{
    public int? RetryAfterSeconds { get; set; }

    public IReadOnlyList<StatusCause>? Causes { get; set; }
}

/// <summary>One of the reasons why an object was refused.</summary>
public sealed record StatusCause
{
    /// <summary>Kind of mistake: <c>FieldValueInvalid</c>.</summary>
    public string? Reason { get; set; }

    /// <summary>Sentence.</summary>
    public string? Message { get; set; }

    /// <summary>Where: <c>spec.rules[0].matches</c>.</summary>
    public string? Field { get; set; }
}
