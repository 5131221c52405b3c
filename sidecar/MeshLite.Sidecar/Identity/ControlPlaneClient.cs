using MeshLite.Protocol.Client;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// The way to the control plane: the server held against the CA file, or the bundle we have since learned (<see cref="ControlPlaneDialer"/>).
/// Thread-safe; keeps no connection of its own.
/// </summary>
/// <param name="address"><c>https://host:port</c> (<c>--control-plane</c>).</param>
/// <param name="caFile">Roots to believe before there is a bundle (<c>--control-plane-ca</c>), read anew for each connection; null: only a bundle counts.</param>
/// <param name="time">The clock certificates are held against.</param>
internal sealed class ControlPlaneClient(Uri address, string? caFile, TimeProvider time) : ICertifier
{
    private readonly ControlPlaneDialer _dialer = new(address, serverName: null, time);

    /// <summary>A connection, made when first used.</summary>
    /// <param name="show">The certificate to show; null: none.</param>
    /// <param name="believe">A bundle to believe beside the CA file.</param>
    public ControlPlaneConnection Open(WorkloadCertificate? show, TrustBundle? believe) =>
        _dialer.Open(show?.Context, show?.Id.TrustDomain, cancellationToken => RootsAsync(believe ?? TrustBundle.Empty, cancellationToken));

    /// <inheritdoc/>
    public async Task<CertifyResponse> CertifyAsync(CertifyRequest request, string? token, WorkloadCertificate? show, TrustBundle? believe, CancellationToken cancellationToken)
    {
        using var connection = Open(show, believe);
        return await SvidExchange.SendAsync(connection.Channel, request, token, cancellationToken);
    }

    private async Task<TrustBundle> RootsAsync(TrustBundle believe, CancellationToken cancellationToken) =>
        caFile is null ? believe : believe.Union(TrustBundle.FromPem(await File.ReadAllTextAsync(caFile, cancellationToken)));
}
