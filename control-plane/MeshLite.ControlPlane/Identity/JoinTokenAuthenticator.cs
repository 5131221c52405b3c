using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity;

/// <summary>Join tokens, signed with the mesh's own key (<c>meshctl token create</c>), or one it had before. Thread-safe.</summary>
internal sealed class JoinTokenAuthenticator(JoinTokenKeyStore keys, TimeProvider time) : ITokenAuthenticator
{
    /// <inheritdoc/>
    public DateTimeOffset? KeyMadeAt => keys.Current.MadeAt;

    /// <inheritdoc/>
    public bool CertificateRenews => true;

    /// <inheritdoc/>
    public ValueTask<TokenVerdict> AuthenticateAsync(string token, CancellationToken cancellationToken)
    {
        var result = keys.Current.Verify(token, time);
        return ValueTask.FromResult(result.Failure == JoinTokenFailure.None
            ? new TokenVerdict(result.Namespace!, result.ServiceAccount!, null)
            : Refuse(result.Failure));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Keys are not disposed while somebody may verify with them.
    }

    private static TokenVerdict Refuse(JoinTokenFailure failure)
    {
        var (reason, sentence) = failure switch
        {
            JoinTokenFailure.Malformed => ("token_malformed", "the token is not a join token"),
            JoinTokenFailure.WrongAlgorithm => ("token_algorithm", "the token is not signed with ES256"),
            JoinTokenFailure.BadSignature => ("token_signature", "the token was not signed by this mesh, or by a key it has retired; make a new one with 'meshctl token create'"),
            JoinTokenFailure.WrongAudience => ("token_audience", $"the token is meant for somebody else than {JoinToken.Audience}"),
            JoinTokenFailure.Expired => ("token_expired", "the token has expired; make a new one with 'meshctl token create'"),
            JoinTokenFailure.NotYetValid => ("token_not_yet_valid", "the token is not valid yet; do the clocks agree?"),
            JoinTokenFailure.WrongSubject => ("token_subject", "the token names no namespace and service account"),
            _ => throw new ArgumentOutOfRangeException(nameof(failure)),
        };
        return TokenVerdict.Refused(GrpcStatusCode.Unauthenticated, reason, sentence);
    }
}
