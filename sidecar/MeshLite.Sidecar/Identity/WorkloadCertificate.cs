using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// What this workload shows and whom it believes, at one moment: certificate with key, and trust bundle. Immutable;
/// made by <see cref="WorkloadIdentity"/>, read by each handshake, which keeps the one it began with.
/// </summary>
internal sealed class WorkloadCertificate
{
    private WorkloadCertificate(SpiffeId id, SslStreamCertificateContext context, DateTimeOffset renewAt, TrustBundle bundle, TimeProvider time)
    {
        Id = id;
        Context = context;
        RenewAt = renewAt;
        Verifier = new PeerVerifier(bundle, id.TrustDomain, time);
        IssuerKey = Protocol.Pki.IssuerKey.OfIssuer(context.TargetCertificate);
        NotBefore = new DateTimeOffset(context.TargetCertificate.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(context.TargetCertificate.NotAfter.ToUniversalTime());
        // A resumed session brings the peer's leaf but not its intermediates, so a verifier that does not remember the peer
        // would refuse it. Where a root signs directly, as it does unless the user brought an intermediate, there are none.
        AllowTlsResume = context.IntermediateCertificates.Count == 0;
    }

    /// <summary>This workload's identity.</summary>
    public SpiffeId Id { get; }

    /// <summary>Certificate, key and intermediates as SslStream takes them; sessions are resumed only within one of these.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>Which key signed it; empty where it does not say.</summary>
    public ReadOnlyMemory<byte> IssuerKey { get; }

    /// <summary>Start of the certificate's validity.</summary>
    public DateTimeOffset NotBefore { get; }

    /// <summary>End of the certificate's validity.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>When it is to be replaced.</summary>
    public DateTimeOffset RenewAt { get; }

    /// <summary>Judges peers, by the trust bundle of this moment and this workload's own trust domain.</summary>
    public PeerVerifier Verifier { get; }

    /// <summary>The roots believed.</summary>
    public TrustBundle Bundle => Verifier.Bundle;

    /// <summary>Whether handshakes may resume an earlier session.</summary>
    public bool AllowTlsResume { get; }

    /// <summary>A certificate with its key, and what came with it.</summary>
    public static WorkloadCertificate Create(
        SpiffeId id, X509Certificate2 withKey, X509Certificate2Collection intermediates, DateTimeOffset renewAt, TrustBundle bundle, TimeProvider time) =>
        new(id, SslStreamCertificateContext.Create(withKey, intermediates, offline: true), renewAt, bundle, time);

    /// <summary>The same certificate under another bundle; nothing verified before is remembered.</summary>
    public WorkloadCertificate With(TrustBundle bundle, TimeProvider time) => new(Id, Context, RenewAt, bundle, time);

    /// <summary>Whether a peer whose clock agrees with ours accepts it now.</summary>
    public bool IsValidAt(DateTimeOffset now) => now >= NotBefore && now < NotAfter;
}
