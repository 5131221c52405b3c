using MeshLite.Protocol.Grpc;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// Says whose a token is that a workload without certificate shows. Two ways: join tokens (standalone), TokenReview (in a cluster). Thread-safe.
/// </summary>
internal interface ITokenAuthenticator : IDisposable
{
    /// <summary>When the key that signs tokens was made; null: it is not ours.</summary>
    DateTimeOffset? KeyMadeAt => null;

    /// <summary>
    /// Whether a certificate is renewed on its own proof, whatever token comes with it. Join tokens are for joining, and may end long before their
    /// workload does. Where a workload always has a token that ends with its Pod, it is asked for each time: else who steals a key has it for ever.
    /// </summary>
    bool CertificateRenews { get; }

    /// <summary>Judges a token; throws nothing but <see cref="OperationCanceledException"/>.</summary>
    ValueTask<TokenVerdict> AuthenticateAsync(string token, CancellationToken cancellationToken);
}

/// <summary>What became of a token: namespace and service account, or why not.</summary>
/// <param name="Namespace">Of the workload.</param>
/// <param name="ServiceAccount">Of the workload.</param>
/// <param name="Refusal">Set where the token proves nothing; then there are no names.</param>
internal readonly record struct TokenVerdict(string Namespace, string ServiceAccount, TokenRefusal? Refusal)
{
    /// <summary>It proves nothing.</summary>
    public static TokenVerdict Refused(GrpcStatusCode code, string reason, string sentence) => new("", "", new TokenRefusal(code, reason, sentence));
}

/// <summary>Why a caller gets no certificate.</summary>
/// <param name="Code">UNAUTHENTICATED: another token is needed. UNAVAILABLE: nobody could judge this one, try again.</param>
/// <param name="Reason">For the metric.</param>
/// <param name="Sentence">For the caller; names no token.</param>
internal sealed record TokenRefusal(GrpcStatusCode Code, string Reason, string Sentence);
