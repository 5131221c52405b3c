using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Identity;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity;

public sealed class SvidIssuerTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly TestDirectory _directory = new();
    private readonly CertificateAuthority _authority;

    public SvidIssuerTests() => _authority = CertificateAuthority.LoadOrCreate(_directory.Path, _time);

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Issue_Certificate_FollowsTheProfile()
    {
        using var svid = Issue();
        var root = _authority.Bundle.Roots[0];

        svid.Version.ShouldBe(3);
        svid.Subject.ShouldBe("");
        svid.Issuer.ShouldBe(root.Subject);
        svid.NotBefore.ToUniversalTime().ShouldBe((_time.GetUtcNow() - SvidProfile.Backdate).UtcDateTime);
        svid.NotAfter.ToUniversalTime().ShouldBe(_time.GetUtcNow().AddHours(24).UtcDateTime);
        svid.Extensions["2.5.29.17"]!.Critical.ShouldBeTrue("RFC 5280 4.2.1.6: the subject is empty");
        SubjectNames.ReadSpiffeId(svid)!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/orders");
        var constraints = svid.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        constraints.CertificateAuthority.ShouldBeFalse();
        var usage = svid.Extensions.OfType<X509KeyUsageExtension>().Single();
        (usage.KeyUsages, usage.Critical).ShouldBe((X509KeyUsageFlags.DigitalSignature, true));
        svid.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value)
            .ShouldBe([SvidProfile.ServerAuth, SvidProfile.ClientAuth]);
        var rootKey = root.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single().SubjectKeyIdentifierBytes;
        svid.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().Single().KeyIdentifier!.Value.ToArray().ShouldBe(rootKey.ToArray());
        svid.Extensions.OfType<X509SubjectKeyIdentifierExtension>().ShouldHaveSingleItem();
    }

    [Fact]
    public void Issue_SerialNumbers_AreLongPositiveAndNeverTheSame()
    {
        var serials = Enumerable.Range(0, 50).Select(_ =>
        {
            using var svid = Issue();
            svid.SerialNumberBytes.Length.ShouldBe(16);
            svid.SerialNumberBytes.Span[0].ShouldBeLessThan((byte)0x80);
            return svid.SerialNumber;
        }).ToList();

        serials.Distinct().Count().ShouldBe(50);
    }

    private X509Certificate2 Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SvidIssuer(_authority, _time).Issue(new("cluster.local", "shop", "orders"), new PublicKey(key), TimeSpan.FromHours(24));
    }
}
