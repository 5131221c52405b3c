using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// Verifies peers' certificates against one trust bundle and one trust domain. Thread-safe; owned by whoever owns
/// the bundle and replaced with it.
/// <para>Verified certificates are remembered by the SHA-256 of the leaf's DER, so that a peer that connects
/// again costs one hash. An entry is good only within the validity of every certificate of its chain, and only
/// under this bundle: another bundle means another verifier, with nothing remembered. Refusals are not remembered.</para>
/// </summary>
public sealed class PeerVerifier
{
    /// <summary>Longest chain of intermediates taken from a peer.</summary>
    private const int MaxIntermediates = 4;

    /// <summary>Entries kept; all are dropped when there are more. Only peers our own authority signed get in.</summary>
    private const int MaxRemembered = 4096;

    private readonly ConcurrentDictionary<Key, Proof> _remembered = new();
    private readonly X509Certificate2Collection _roots;
    private readonly TimeProvider _time;

    /// <summary>Trusts the roots of <paramref name="bundle"/>.</summary>
    /// <param name="bundle">Whose signature counts.</param>
    /// <param name="trustDomain">The one accepted; null accepts any.</param>
    /// <param name="time">The clock certificates are held against.</param>
    public PeerVerifier(TrustBundle bundle, string? trustDomain, TimeProvider time)
    {
        Bundle = bundle;
        TrustDomain = trustDomain;
        _time = time;
        _roots = [.. bundle.Roots];
    }

    /// <summary>Whose signature counts.</summary>
    public TrustBundle Bundle { get; }

    /// <summary>The trust domain accepted; null: any.</summary>
    public string? TrustDomain { get; }

    /// <summary>Certificates remembered; for tests.</summary>
    internal int Remembered => _remembered.Count;

    /// <summary>Who the certificate's holder is, in the role it was presented in.</summary>
    /// <param name="certificate">The leaf; null where the peer sent none.</param>
    /// <param name="intermediates">What else the peer sent.</param>
    /// <param name="role">What the peer was in the handshake.</param>
    public PeerIdentityResult Verify(X509Certificate2? certificate, X509Certificate2Collection? intermediates, PeerRole role)
    {
        if (certificate is null)
        {
            return PeerIdentityResult.Refused(PeerFailure.NoCertificate);
        }

        var now = _time.GetUtcNow();
        var key = Key.Of(certificate, role);
        if (_remembered.TryGetValue(key, out var proof))
        {
            if (now >= proof.NotBefore && now <= proof.NotAfter)
            {
                return PeerIdentityResult.Verified(proof.Id, proof.NotAfter, proof.Root);
            }

            _remembered.TryRemove(key, out _);
        }

        var failure = Prove(certificate, intermediates, role, now, out proof);
        if (failure != PeerFailure.None)
        {
            return PeerIdentityResult.Refused(failure);
        }

        if (_remembered.Count >= MaxRemembered)
        {
            _remembered.Clear();
        }

        _remembered[key] = proof;
        return PeerIdentityResult.Verified(proof.Id, proof.NotAfter, proof.Root);
    }

    private PeerFailure Prove(
        X509Certificate2 leaf, X509Certificate2Collection? intermediates, PeerRole role, DateTimeOffset now, out Proof proof)
    {
        proof = default;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        foreach (var intermediate in intermediates?.Take(MaxIntermediates) ?? [])
        {
            chain.ChainPolicy.ExtraStore.Add(intermediate);
        }

        try
        {
            if (!chain.Build(leaf))
            {
                return Explain(chain, leaf, now);
            }

            var (failure, id) = CheckProfile(leaf, role);
            if (failure == PeerFailure.None)
            {
                proof = new Proof(
                    id!,
                    chain.ChainElements.Max(e => NotBefore(e.Certificate)),
                    chain.ChainElements.Min(e => NotAfter(e.Certificate)),
                    chain.ChainElements[^1].Certificate.GetCertHashString(HashAlgorithmName.SHA256));
            }

            return failure;
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    // Whose fault it is, most telling first. The authority goes before the dates: of a certificate of a stranger
    // nothing is believed.
    private static PeerFailure Explain(X509Chain chain, X509Certificate2 leaf, DateTimeOffset now)
    {
        const X509ChainStatusFlags untrusted = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot
            | X509ChainStatusFlags.NotSignatureValid | X509ChainStatusFlags.Cyclic | X509ChainStatusFlags.ExplicitDistrust;
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
        if ((status & untrusted) != X509ChainStatusFlags.NoError)
        {
            return PeerFailure.UnknownAuthority;
        }

        if (now > NotAfter(leaf))
        {
            return PeerFailure.Expired;
        }

        if (now < NotBefore(leaf))
        {
            return PeerFailure.NotYetValid;
        }

        return status.HasFlag(X509ChainStatusFlags.NotTimeValid) ? PeerFailure.UnknownAuthority : PeerFailure.InvalidCertificate;
    }

    // X509-SVID §4 and §5.2: a leaf is no CA, signs digitally and nothing else, and is meant for TLS in this role.
    private (PeerFailure Failure, SpiffeId? Id) CheckProfile(X509Certificate2 leaf, PeerRole role)
    {
        var mayBeLeaf = true;
        var signsDigitally = false;
        var forRole = false;
        foreach (var extension in leaf.Extensions)
        {
            switch (extension)
            {
                case X509BasicConstraintsExtension constraints:
                    mayBeLeaf &= !constraints.CertificateAuthority;
                    break;
                case X509KeyUsageExtension usage:
                    mayBeLeaf &= (usage.KeyUsages & (X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) == X509KeyUsageFlags.None;
                    signsDigitally = usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature);
                    break;
                case X509EnhancedKeyUsageExtension usages:
                    var wanted = role == PeerRole.Client ? SvidProfile.ClientAuth : SvidProfile.ServerAuth;
                    foreach (var oid in usages.EnhancedKeyUsages)
                    {
                        forRole |= oid.Value == wanted;
                    }

                    break;
            }
        }

        if (!mayBeLeaf || !signsDigitally)
        {
            return (PeerFailure.InvalidCertificate, null);
        }

        if (!forRole)
        {
            return (PeerFailure.WrongUsage, null);
        }

        var id = SubjectNames.ReadSpiffeId(leaf);
        return id is null ? (PeerFailure.NoSpiffeId, null)
            : TrustDomain is not null && id.TrustDomain != TrustDomain ? (PeerFailure.WrongTrustDomain, null)
            : (PeerFailure.None, id);
    }

    private static DateTimeOffset NotBefore(X509Certificate2 certificate) => new(certificate.NotBefore.ToUniversalTime());

    private static DateTimeOffset NotAfter(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());

    private readonly record struct Proof(SpiffeId Id, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string Root);

    private readonly record struct Key(Int128 High, Int128 Low, PeerRole Role)
    {
        public static Key Of(X509Certificate2 certificate, PeerRole role)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(certificate.RawDataMemory.Span, hash);
            return new Key(
                System.Buffers.Binary.BinaryPrimitives.ReadInt128LittleEndian(hash),
                System.Buffers.Binary.BinaryPrimitives.ReadInt128LittleEndian(hash[16..]),
                role);
        }
    }
}

/// <summary>What a peer was in the handshake.</summary>
public enum PeerRole
{
    /// <summary>It called us.</summary>
    Client,

    /// <summary>We called it.</summary>
    Server,
}
