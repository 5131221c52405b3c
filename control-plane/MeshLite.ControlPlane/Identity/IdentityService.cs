using System.Net;
using Google.Protobuf;
using MeshLite.ControlPlane.Listeners;
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
    /// <value>Bytes of a request: a signing request of <see cref="SigningRequest.MaxBytes"/>, and room for what may be added. 4 KiB.</value>
    public const int MaxRequestBytes = 4 * 1024;

    private const string BearerPrefix = "Bearer ";

    /// <value>Life of an operator's certificate at most: as long as people look at a screen. 1 h.</value>
    private static readonly TimeSpan OperatorLifetime = TimeSpan.FromHours(1);

    private const string Renewal = "renewal";

    // Whoever reaches the port may ask; each answer costs a signature, and in a cluster a question to the API server.
    private readonly CallerSlots _slots = new(total: 64, ofOne: 32, waiting: 1024);

    /// <summary>
    /// Certifies the caller:
    /// <list type="number">
    /// <item>identity: from the token; to renew, from the certificate of its connection too, or alone where tokens are only for joining</item>
    /// <item>key: from the signing request, which gives nothing else</item>
    /// <item>certificate: for that identity and that key</item>
    /// </list>
    /// </summary>
    public async Task<CertifyResponse> CertifyAsync(CertifyRequest request, GrpcServerCall call)
    {
        var address = call.HttpContext.Connection.RemoteIpAddress ?? IPAddress.None;
        try
        {
            if (!await _slots.EnterAsync(address, call.CancellationToken))
            {
                throw new CertifyRefusedException(GrpcStatusCode.Unavailable, "busy", "too many ask for certificates; try again");
            }

            try
            {
                // Step 1
                var settings = module.Settings;
                var (id, proof) = await AuthenticateAsync(call, settings);
                return Certify(request, id, proof, settings);
            }
            finally
            {
                _slots.Leave(address);
            }
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
        var caller = module.CallerOf(call.HttpContext);
        if (caller is not null && tokens.CertificateRenews)
        {
            return (caller.Id, Renewal);
        }

        if (call.GetMetadata("authorization") is not { } authorization)
        {
            throw caller is null
                ? new CertifyRefusedException(
                    GrpcStatusCode.Unauthenticated, "no_credentials", "neither a token in the authorization metadata nor a client certificate of this mesh")
                : new CertifyRefusedException(
                    GrpcStatusCode.Unauthenticated, "renewal_without_token", "a certificate alone is not renewed here: the workload's own service-account token has to come with it");
        }

        if (!authorization.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
        {
            throw new CertifyRefusedException(GrpcStatusCode.Unauthenticated, "token_malformed", "the authorization metadata is no Bearer token");
        }

        var verdict = await tokens.AuthenticateAsync(authorization[BearerPrefix.Length..].Trim(), call.CancellationToken);
        if (verdict.Refusal is { } refusal)
        {
            throw new CertifyRefusedException(refusal.Code, refusal.Reason, refusal.Sentence);
        }

        var id = new SpiffeId(settings.TrustDomain, verdict.Namespace, verdict.ServiceAccount);
        return caller is null ? (id, "token")
            : caller.Id == id ? (id, Renewal)
            : throw new CertifyRefusedException(GrpcStatusCode.PermissionDenied, "token_of_another", $"the token is of {id}, the certificate of {caller.Id}");
    }

    /// <summary>A refusal on its way out of <see cref="Certify"/>; the message goes to the caller.</summary>
    private sealed class CertifyRefusedException(GrpcStatusCode code, string reason, string message) : Exception(message)
    {
        public GrpcStatusCode Code => code;

        public string Reason => reason;
    }
}
