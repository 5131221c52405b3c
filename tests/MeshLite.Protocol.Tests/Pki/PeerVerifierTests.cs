using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Pki;

/// <summary>What a handshake cannot show; the table of refusals stands in the sidecar's TlsHandshakeTests.</summary>
public sealed class PeerVerifierTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly TestAuthority _root;

    public PeerVerifierTests() => _root = new TestAuthority(_time, lifetime: TimeSpan.FromDays(30));

    [Fact]
    public void Verify_RememberedCertificate_ExpiresAllTheSame()
    {
        var verifier = Verifier(_root);
        using var leaf = _root.Issue(new TestLeaf { Lifetime = TimeSpan.FromMinutes(10) });
        verifier.Verify(leaf, null, PeerRole.Client).Id.ShouldNotBeNull();

        _time.Advance(TimeSpan.FromMinutes(9));
        verifier.Verify(leaf, null, PeerRole.Client).Id.ShouldNotBeNull();
        _time.Advance(TimeSpan.FromMinutes(1));
        verifier.Verify(leaf, null, PeerRole.Client).Failure.ShouldBe(PeerFailure.Expired);
    }

    [Fact]
    public void Verify_RootExpiresFirst_EndsTheProof()
    {
        var verifier = Verifier(_root);
        using var leaf = _root.Issue(new TestLeaf { Lifetime = TimeSpan.FromDays(60) });

        verifier.Verify(leaf, null, PeerRole.Client).ExpiresAt.ShouldBe(_time.GetUtcNow().AddDays(30));
        _time.Advance(TimeSpan.FromDays(31));
        verifier.Verify(leaf, null, PeerRole.Client).Failure.ShouldBe(PeerFailure.UnknownAuthority);
    }

    [Fact]
    public void Verify_RememberedForOneRole_IsNotForTheOther()
    {
        var verifier = Verifier(_root);
        using var leaf = _root.Issue(new TestLeaf { Usages = [SvidProfile.ClientAuth] });

        verifier.Verify(leaf, null, PeerRole.Client).Id.ShouldNotBeNull();
        verifier.Verify(leaf, null, PeerRole.Server).Failure.ShouldBe(PeerFailure.WrongUsage);
    }

    [Fact]
    public void Verify_RememberedCertificate_IsNotLookedAtAgain()
    {
        var verifier = Verifier(_root);
        var intermediate = _root.Intermediate();
        using var leaf = intermediate.Issue(new TestLeaf());
        verifier.Verify(leaf, null, PeerRole.Client).Failure.ShouldBe(PeerFailure.UnknownAuthority, "refusals are not remembered");
        verifier.Verify(leaf, [intermediate.Public], PeerRole.Client).Id.ShouldNotBeNull();

        verifier.Verify(leaf, null, PeerRole.Client).Id.ShouldNotBeNull("though the chain cannot be built from this");
    }

    [Fact]
    public void Verify_ManyPeers_ForgetsRatherThanGrows()
    {
        var verifier = Verifier(_root);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = new PublicKey(key);
        for (var i = 0; i < 4200; i++)
        {
            using var leaf = _root.Issue(new TestLeaf(), publicKey);
            verifier.Verify(leaf, null, PeerRole.Client).Id.ShouldNotBeNull();
        }

        verifier.Remembered.ShouldBeInRange(1, 4096);
    }

    [Fact]
    public void Verify_NobodyTrusted_RefusesEverybody()
    {
        using var leaf = _root.Issue(new TestLeaf());

        new PeerVerifier(TrustBundle.Empty, null, _time).Verify(leaf, null, PeerRole.Client).Failure.ShouldBe(PeerFailure.UnknownAuthority);
    }

    [Fact]
    public void Verify_NoTrustDomainGiven_AcceptsAny()
    {
        using var leaf = _root.Issue(TestLeaf.For("spiffe://example.org/ns/a/sa/b"));

        new PeerVerifier(Bundle(_root), null, _time).Verify(leaf, null, PeerRole.Client).Id.ShouldBe(new SpiffeId("example.org", "a", "b"));
    }

    [Theory]
    [InlineData("30 05 86 03 61 3A 62", "a:b")] // one URI
    [InlineData("30 0A 86 03 61 3A 62 86 03 61 3A 62", null)] // the same URI twice
    [InlineData("30 00", null)]
    [InlineData("30 05 86 03 61 3A 62 00", null)] // trailing bytes
    [InlineData("30 06 86 03 61 3A 62", null)] // length beyond the end
    [InlineData("30 80 86 03 61 3A 62 00 00", null)] // BER, not DER
    [InlineData("30 05 86 03 61 FF 62", null)] // not IA5
    [InlineData("31 05 86 03 61 3A 62", null)] // SET
    [InlineData("", null)]
    public void TryReadUri_Bytes_AreTakenStrictly(string hex, string? expected)
    {
        var found = SubjectNames.TryReadUri(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out var uri);

        (found ? uri : null).ShouldBe(expected);
    }

    [Fact]
    public void ReadSpiffeId_ExtensionTwice_IsNone()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri("spiffe://cluster.local/ns/shop/sa/orders"));
        request.CertificateExtensions.Add(names.Build());
        var dns = new AsnWriter(AsnEncodingRules.DER);
        using (dns.PushSequence())
        {
            dns.WriteCharacterString(UniversalTagNumber.IA5String, "orders", new Asn1Tag(TagClass.ContextSpecific, 2));
        }

        using var once = request.CreateSelfSigned(_time.GetUtcNow(), _time.GetUtcNow().AddDays(1));
        SubjectNames.ReadSpiffeId(once).ShouldNotBeNull();

        // CertificateRequest refuses to write an extension twice, so the bytes of one that differs only in its last arc are changed.
        request.CertificateExtensions.Add(new X509Extension("2.5.29.99", dns.Encode(), critical: false));
        var der = request.CreateSelfSigned(_time.GetUtcNow(), _time.GetUtcNow().AddDays(1)).RawData;
        der[der.AsSpan().IndexOf<byte>([0x06, 0x03, 0x55, 0x1D, 0x63]) + 4] = 0x11;
        using var twice = X509CertificateLoader.LoadCertificate(der);

        SubjectNames.ReadSpiffeId(twice).ShouldBeNull();
    }

    private PeerVerifier Verifier(params TestAuthority[] authorities) => new(Bundle(authorities), "cluster.local", _time);

    private static TrustBundle Bundle(params TestAuthority[] authorities) => TrustBundle.FromCertificates(authorities.Select(a => a.Public));
}
