namespace MeshLite.Kubernetes.Objects;

/// <summary>A question to the server: whose token is this? (authentication.k8s.io/v1).</summary>
internal sealed record TokenReview
{
    public string ApiVersion { get; init; } = "authentication.k8s.io/v1";

    public string Kind { get; init; } = "TokenReview";

    public TokenReviewSpec Spec { get; init; } = new();

    public TokenReviewStatus? Status { get; init; }
}

/// <summary>The question.</summary>
internal sealed record TokenReviewSpec
{
    public string Token { get; init; } = "";

    public IReadOnlyList<string>? Audiences { get; init; }
}

/// <summary>What the server says of a token. Believe it only if <see cref="Authenticated"/>, and <see cref="Audiences"/> names the one asked for.</summary>
public sealed record TokenReviewStatus
{
    /// <summary>Whether the token is good.</summary>
    public bool Authenticated { get; init; }

    /// <summary>Whose it is.</summary>
    public TokenReviewUser User { get; init; } = new();

    /// <summary>Those asked for that the token is good for. Empty where the authenticator knows nothing of audiences.</summary>
    public IReadOnlyList<string> Audiences { get; init; } = [];

    /// <summary>Why not.</summary>
    public string? Error { get; init; }
}

/// <summary>Whose a token is.</summary>
public sealed record TokenReviewUser
{
    /// <summary><c>system:serviceaccount:NAMESPACE:NAME</c> for service accounts.</summary>
    public string Username { get; init; } = "";

    /// <summary>Uid of the account.</summary>
    public string? Uid { get; init; }

    /// <summary>Groups.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>More, such as <c>authentication.kubernetes.io/pod-name</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra { get; init; }
}
