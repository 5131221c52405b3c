namespace MeshLite.Kubernetes.Objects;

/// <summary>A question to the server: whose token is this? (authentication.k8s.io/v1).</summary>
internal sealed record TokenReview
{
    public string ApiVersion { get; set; } = "authentication.k8s.io/v1";

    public string Kind { get; set; } = "TokenReview";

    public TokenReviewSpec Spec { get; set; } = new();

    public TokenReviewStatus? Status { get; set; }
}

/// <summary>The question.</summary>
internal sealed record TokenReviewSpec
{
    public string Token { get; set; } = "";

    public IReadOnlyList<string>? Audiences { get; set; }
}

/// <summary>What the server says of a token. Believe it only if <see cref="Authenticated"/>, and <see cref="Audiences"/> names the one asked for.</summary>
public sealed record TokenReviewStatus
{
    /// <summary>Whether the token is good.</summary>
    public bool Authenticated { get; set; }

    /// <summary>Whose it is.</summary>
    public TokenReviewUser User { get; set; } = new();

    /// <summary>Those asked for that the token is good for. Empty where the authenticator knows nothing of audiences.</summary>
    public IReadOnlyList<string> Audiences { get; set => field = value ?? []; } = [];

    /// <summary>Why not.</summary>
    public string? Error { get; set; }
}

/// <summary>Whose a token is.</summary>
public sealed record TokenReviewUser
{
    /// <summary><c>system:serviceaccount:NAMESPACE:NAME</c> for service accounts.</summary>
    public string Username { get; set; } = "";

    /// <summary>Uid of the account.</summary>
    public string? Uid { get; set; }

    /// <summary>Groups.</summary>
    public IReadOnlyList<string> Groups { get; set => field = value ?? []; } = [];

    /// <summary>More, such as <c>authentication.kubernetes.io/pod-name</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra { get; set; }
}
