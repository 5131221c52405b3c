using MeshLite.Kubernetes;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// Projected service-account tokens, judged by the API server each time: a token that is revoked with its Pod is no good from then on, so
/// no answer is kept. Sidecars come with one for their first certificate and each renewal (16 h), never for the stream. Thread-safe.
/// </summary>
internal sealed class TokenReviewAuthenticator(KubernetesClient client, ILogger logger) : ITokenAuthenticator
{
    /// <summary>Largest token put to the API server. <value>16 KiB; one has some 1.5.</value></summary>
    public const int MaxTokenLength = 16 * 1024;

    private const string UserPrefix = "system:serviceaccount:";

    /// <inheritdoc/>
    public bool CertificateRenews => false;

    /// <inheritdoc/>
    public async ValueTask<TokenVerdict> AuthenticateAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length is 0 or > MaxTokenLength)
        {
            return TokenVerdict.Refused(GrpcStatusCode.Unauthenticated, "token_malformed", $"the token has {token.Length} characters, 1 to {MaxTokenLength} are taken");
        }

        try
        {
            // Null also where the token is good, but not for this audience.
            var user = await client.ReviewTokenAsync(token, JoinToken.Audience, cancellationToken);
            return user is null
                ? TokenVerdict.Refused(GrpcStatusCode.Unauthenticated, "token_refused", $"the API server does not know the token, or it has expired, or it is not meant for {JoinToken.Audience}")
                : Judge(user.Username);
        }
        catch (Exception problem) when (problem is KubernetesException or HttpRequestException or TimeoutException)
        {
            // Not the caller's fault: it keeps its token and comes again.
            IdentityLog.TokenReviewFailed(logger, problem.Message);
            return TokenVerdict.Refused(GrpcStatusCode.Unavailable, "token_review_failed", "the API server could not be asked about the token; try again");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The client is its owner's.
    }

    private static TokenVerdict Judge(string user) =>
        user.StartsWith(UserPrefix, StringComparison.Ordinal) && user[UserPrefix.Length..].Split(':') is [var ns, var account]
        && SpiffeId.IsSegment(ns) && SpiffeId.IsSegment(account)
            ? new TokenVerdict(ns, account, null)
            : TokenVerdict.Refused(GrpcStatusCode.Unauthenticated, "token_subject", "the token is not a service account's");
}
