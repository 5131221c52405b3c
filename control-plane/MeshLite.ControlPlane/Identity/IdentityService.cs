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
internal sealed class IdentityService(IdentityModule module, SvidIssuer issuer, ITokenAuthenticator tokens, ILogger logger)
{
    private const string BearerPrefix = "Bearer ";

    /// <value>Life of an operator's certificate at most: as long as people look at a screen. 1 h.</value>
    private static readonly TimeSpan OperatorLifetime = TimeSpan.FromHours(1);

    /// <summary>
    /// Certifies the caller:
    /// <list type="number">
    /// <item>identity: from the token where there is one, else from the certificate of its connection (renewal)</item>
    /// <item>key: from the signing request, which gives nothing else</item>
    /// <item>certificate: for that identity and that key</item>
    /// </list>
    /// </summary>
    public async Task<CertifyResponse> CertifyAsync(CertifyRequest request, GrpcServerCall call)
    {
        try
        {
            // Step 1
            var settings = module.Settings;
            var (id, proof) = await AuthenticateAsync(call, settings);
            return Certify(request, id, proof, settings);
        }
        catch (CertifyRefusedException refusal)
        {
            module.Certifications.Increment(refusal.Reason);
            IdentityLog.CertifyRefused(logger, call.HttpContext.Connection.RemoteIpAddress?.ToString(), refusal.Message);
            throw new GrpcException(refusal.Code, refusal.Message);
        }
    }

    private CertifyResponse Certify(CertifyRequest request, SpiffeId id, string proof, IdentitySettings settings)
    {
        if (id.Namespace == SvidProfile.ControlPlaneNamespace && id.ServiceAccount == SvidProfile.ControlPlaneServiceAccount)
        {
            throw new CertifyRefusedException(GrpcStatusCode.PermissionDenied, "reserved_identity", $"{id} is the control plane's own identity and is given to nobody");
        }

        var isOperator = SvidProfile.IsOperator(id);
        if (isOperator && proof != "token")
        {
            throw new CertifyRefusedException(GrpcStatusCode.PermissionDenied, "reserved_identity", $"{id} is certified by a token each time, never by an earlier certificate");
        }

        // Step 2
        var key = SigningRequest.Check(request.Csr.ToByteArray(), out var problem)
            ?? throw new CertifyRefusedException(GrpcStatusCode.InvalidArgument, "bad_request", problem!);

        // Step 3
        var lifetime = isOperator && settings.ClampedLifetime > OperatorLifetime ? OperatorLifetime : settings.ClampedLifetime;
        using var certificate = issuer.Issue(id, key, lifetime);
        var response = new CertifyResponse { CertificateChain = { ByteString.CopyFrom(certificate.RawDataMemory.Span) } };
        response.CertificateChain.AddRange(issuer.Intermediates.Select(i => ByteString.CopyFrom(i.RawDataMemory.Span)));
        response.TrustBundle.AddRange(module.TrustBundle.Der.Select(root => ByteString.CopyFrom(root.Span)));
        module.Certifications.Increment(proof);
        IdentityLog.Certified(logger, id, proof, certificate.NotAfter.ToUniversalTime());
        return response;
    }

    private async ValueTask<(SpiffeId Id, string Proof)> AuthenticateAsync(GrpcServerCall call, IdentitySettings settings)
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

        var verdict = await tokens.AuthenticateAsync(authorization[BearerPrefix.Length..].Trim(), call.CancellationToken);
        return verdict.Refusal is { } refusal
            ? throw new CertifyRefusedException(refusal.Code, refusal.Reason, refusal.Sentence)
            : (new SpiffeId(settings.TrustDomain, verdict.Namespace, verdict.ServiceAccount), "token");
    }

    /// <summary>A refusal on its way out of <see cref="Certify"/>; the message goes to the caller.</summary>
    private sealed class CertifyRefusedException(GrpcStatusCode code, string reason, string message) : Exception(message)
    {
        public GrpcStatusCode Code => code;

        public string Reason => reason;
    }
}
