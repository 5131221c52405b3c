using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Identity;

/// <summary>Gets signing requests signed: <see cref="ControlPlaneClient"/>, or a test's own authority.</summary>
internal interface ICertifier
{
    /// <summary>
    /// Has a request signed. Throws <see cref="MeshLite.Protocol.Grpc.GrpcException"/> with the reason where it is not.
    /// </summary>
    /// <param name="request">Proves possession of the new key.</param>
    /// <param name="token">Proof of identity; null: <paramref name="show"/> is.</param>
    /// <param name="show">The certificate to show; null: none.</param>
    /// <param name="believe">Roots to believe beside those the process was given.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<CertifyResponse> CertifyAsync(CertifyRequest request, string? token, WorkloadCertificate? show, TrustBundle? believe, CancellationToken cancellationToken);
}
