using System.Security.Cryptography;
using Google.Protobuf;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// The gRPC service <c>meshlite.v1.Identity</c>: proves who calls, then signs a certificate for exactly that identity.
/// Thread-safe; made by <see cref="IdentityModule"/>.
/// </summary>
internal sealed class IdentityService(IdentityModule module, SvidIssuer issuer, ECDsa tokenKey, TimeProvider time, ILogger logger)
{
    private const string BearerPrefix = "Bearer ";

    /// <summary>
    /// Certifies the caller:
    /// <list type="number">
    /// <item>identity: from the token where there is one, else from the certificate of its connection (renewal)</item>
    /// <item>key: from the signing request, which gives nothing else</item>
    /// <item>certificate: for that identity and that key</item>
    /// </list>
    /// </summary>
    public Task<CertifyResponse> CertifyAsync(CertifyRequest request, GrpcServerCall call)
    {
        try
        {
            return Task.FromResult(Certify(request, call));
        }
        catch (CertifyRefusedException refusal)
        {
            module.Certifications.Increment(refusal.Reason);
            IdentityLog.CertifyRefused(logger, call.HttpContext.Connection.RemoteIpAddress?.ToString(), refusal.Message);
            throw new GrpcException(refusal.Code, refusal.Message);
        }
    }

    private CertifyResponse Certify(CertifyRequest request, GrpcServerCall call)
    {
        // Step 1
        var settings = module.Settings;
        var (id, proof) = Authenticate(call, settings);
        if (id.Namespace == SvidProfile.ControlPlaneNamespace && id.ServiceAccount == SvidProfile.ControlPlaneServiceAccount)
        {
            throw new CertifyRefusedException(GrpcStatusCode.PermissionDenied, "reserved_identity", $"{id} is the control plane's own identity and is given to nobody");
        }

        // Step 2
        var key = SigningRequest.Check(request.Csr.ToByteArray(), out var problem)
            ?? throw new CertifyRefusedException(GrpcStatusCode.InvalidArgument, "bad_request", problem!);

        // Step 3
        using var certificate = issuer.Issue(id, key, settings.ClampedLifetime);
        var response = new CertifyResponse { CertificateChain = { ByteString.CopyFrom(certificate.RawDataMemory.Span) } };
        response.CertificateChain.AddRange(issuer.Intermediates.Select(i => ByteString.CopyFrom(i.RawDataMemory.Span)));
        response.TrustBundle.AddRange(module.TrustBundle.Der.Select(root => ByteString.CopyFrom(root.Span)));
        module.Certifications.Increment(proof);
        IdentityLog.Certified(logger, id, proof, certificate.NotAfter.ToUniversalTime());
        return response;
    }

    private (SpiffeId Id, string Proof) Authenticate(GrpcServerCall call, IdentitySettings settings)
    {
        if (call.GetMetadata("authorization") is not { } authorization)
        {
            return module.CallerOf(call.HttpContext) is { } caller
                ? (caller.Id, "renewal")
                : throw new CertifyRefusedException(
                    GrpcStatusCode.Unauthenticated, "no_credentials", "neither a token in the authorization metadata nor a client certificate of this mesh");
        }

        if (!authorization.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
        {
            throw new CertifyRefusedException(GrpcStatusCode.Unauthenticated, "token_malformed", "the authorization metadata is no Bearer token");
        }

        var token = JoinToken.Verify(tokenKey, authorization[BearerPrefix.Length..].Trim(), time);
        return token.Failure == JoinTokenFailure.None
            ? (new SpiffeId(settings.TrustDomain, token.Namespace!, token.ServiceAccount!), "token")
            : throw Refusal(token.Failure);
    }

    private static CertifyRefusedException Refusal(JoinTokenFailure failure)
    {
        var (reason, sentence) = failure switch
        {
            JoinTokenFailure.Malformed => ("token_malformed", "the token is not a join token"),
            JoinTokenFailure.WrongAlgorithm => ("token_algorithm", "the token is not signed with ES256"),
            JoinTokenFailure.BadSignature => ("token_signature", "the token was not signed by this mesh"),
            JoinTokenFailure.WrongAudience => ("token_audience", $"the token is meant for somebody else than {JoinToken.Audience}"),
            JoinTokenFailure.Expired => ("token_expired", "the token has expired; make a new one with 'meshctl token create'"),
            JoinTokenFailure.NotYetValid => ("token_not_yet_valid", "the token is not valid yet; do the clocks agree?"),
            JoinTokenFailure.WrongSubject => ("token_subject", "the token names no namespace and service account"),
            _ => throw new ArgumentOutOfRangeException(nameof(failure)),
        };
        return new CertifyRefusedException(GrpcStatusCode.Unauthenticated, reason, sentence);
    }

    /// <summary>A refusal on its way out of <see cref="Certify"/>; the message goes to the caller.</summary>
    private sealed class CertifyRefusedException(GrpcStatusCode code, string reason, string message) : Exception(message)
    {
        public GrpcStatusCode Code => code;

        public string Reason => reason;
    }
}
