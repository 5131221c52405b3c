using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Identity;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity;

public sealed class CertificateAuthorityTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly ManualTimeProvider _time = new();
    private readonly TestDirectory _directory = new();

    private string CertificatePath => _directory["data/ca.pem"];

    private string KeyPath => _directory["data/ca.key"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void LoadOrCreate_FirstStart_MakesARootOfTenYears()
    {
        using var authority = Load();

        var root = authority.Bundle.Roots.ShouldHaveSingleItem();
        root.NotAfter.ToUniversalTime().ShouldBe(_time.GetUtcNow().AddYears(10).UtcDateTime);
        root.GetECDsaPublicKey()!.KeySize.ShouldBe(256);
        root.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeTrue();
        root.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages.ShouldBe(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign);
        authority.Intermediates.ShouldBeEmpty();
        File.GetUnixFileMode(KeyPath).ShouldBe(OwnerOnly);
        File.GetUnixFileMode(Path.GetDirectoryName(KeyPath)!).ShouldBe(OwnerOnly | UnixFileMode.UserExecute);
        Directory.GetFiles(_directory["data"]).Order().ShouldBe([KeyPath, CertificatePath]);
    }

    [Fact]
    public void LoadOrCreate_Restart_IsTheSameAuthority()
    {
        Load().Dispose();
        var (key, certificate) = (File.ReadAllText(KeyPath), File.ReadAllText(CertificatePath));
        _time.Advance(TimeSpan.FromDays(400));

        using var again = Load();

        File.ReadAllText(KeyPath).ShouldBe(key);
        File.ReadAllText(CertificatePath).ShouldBe(certificate);
        again.Bundle.SameAs(TrustBundle.FromPem(certificate)).ShouldBeTrue();
    }

    [Fact]
    public void LoadOrCreate_AtOnceByMany_IsOneAuthority()
    {
        var bundles = new TrustBundle[12];
        Parallel.For(0, bundles.Length, new ParallelOptions { MaxDegreeOfParallelism = 12 }, i =>
        {
            using var authority = Load();
            bundles[i] = authority.Bundle;
        });

        bundles.ShouldAllBe(b => b.SameAs(bundles[0]));
        Directory.GetFiles(_directory["data"]).Order().ShouldBe([KeyPath, CertificatePath]);
    }

    [Fact]
    public void LoadOrCreate_EndedBetweenKeyAndCertificate_GoesOnWithTheKey()
    {
        Load().Dispose();
        var key = File.ReadAllText(KeyPath);
        File.Delete(CertificatePath);

        using var authority = Load();

        File.ReadAllText(KeyPath).ShouldBe(key);
        authority.Bundle.Roots.ShouldHaveSingleItem();
    }

    [Fact]
    public void LoadOrCreate_SeveralRoots_SignsWithTheOneOfTheKeyAndTrustsAll()
    {
        Load().Dispose();
        var other = new TestAuthority(_time, "CN=former root");
        File.WriteAllText(CertificatePath, other.Public.ExportCertificatePem() + "\n" + File.ReadAllText(CertificatePath));

        using var authority = Load();

        authority.Bundle.Roots.Length.ShouldBe(2);
        using var svid = Issue(authority);
        svid.Issuer.ShouldBe(authority.Bundle.Roots[1].Subject);
        new PeerVerifier(authority.Bundle, "cluster.local", _time).Verify(svid, null, PeerRole.Client).Id.ShouldNotBeNull();
    }

    [Fact]
    public void LoadOrCreate_IntermediateBroughtByTheUser_TravelsWithWhatItSigns()
    {
        var root = new TestAuthority(_time, "CN=company root");
        var intermediate = root.Intermediate("CN=mesh");
        Bring(intermediate, intermediate.Public, root.Public);

        using var authority = Load();

        authority.Bundle.Roots.ShouldHaveSingleItem().Subject.ShouldBe("CN=company root");
        authority.Intermediates.ShouldHaveSingleItem().Subject.ShouldBe("CN=mesh");
        using var svid = Issue(authority);
        new PeerVerifier(authority.Bundle, "cluster.local", _time)
            .Verify(svid, [.. authority.Intermediates], PeerRole.Client).Id.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("key missing", "is there but")]
    [InlineData("key garbage", "holds no private EC key")]
    [InlineData("key of another", "belongs to none of the certificates")]
    [InlineData("certificate garbage", "no certificate in the PEM text")]
    [InlineData("certificate is a leaf", "is not a certificate authority's certificate")]
    [InlineData("intermediate without root", "holds no self-signed root")]
    [InlineData("expired", "expired on")]
    [InlineData("key is a directory", "")]
    public void LoadOrCreate_Unusable_SaysWhyAndTouchesNothing(string fault, string says)
    {
        var root = new TestAuthority(_time, "CN=root");
        Bring(root, root.Public);
        switch (fault)
        {
            case "key missing":
                File.Delete(KeyPath);
                break;
            case "key garbage":
                File.WriteAllText(KeyPath, "garbage");
                break;
            case "key of another":
                Bring(new TestAuthority(_time), root.Public);
                break;
            case "certificate garbage":
                File.WriteAllText(CertificatePath, "garbage");
                break;
            case "certificate is a leaf":
                using (var leaf = root.Issue(new TestLeaf()))
                {
                    File.WriteAllText(KeyPath, leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
                    File.WriteAllText(CertificatePath, leaf.ExportCertificatePem());
                }

                break;
            case "intermediate without root":
                var intermediate = root.Intermediate();
                Bring(intermediate, intermediate.Public);
                break;
            case "expired":
                _time.Advance(TimeSpan.FromDays(4000));
                break;
            case "key is a directory":
                File.Delete(KeyPath);
                Directory.CreateDirectory(KeyPath);
                break;
        }

        var before = Directory.GetFiles(_directory["data"]).ToDictionary(f => f, File.ReadAllText);

        var error = Should.Throw<StartupException>(() => Load());

        error.Message.ShouldContain(says);
        error.Message.ShouldContain(_directory["data"]);
        Directory.GetFiles(_directory["data"]).ToDictionary(f => f, File.ReadAllText).ShouldBe(before, ignoreOrder: true);
    }

    [Fact]
    public void Sign_BeyondTheAuthoritysOwnLife_IsCutToIt()
    {
        var root = new TestAuthority(_time, "CN=short", TimeSpan.FromHours(2));
        Bring(root, root.Public);
        using var authority = Load();

        using var svid = Issue(authority);

        svid.NotAfter.ToUniversalTime().ShouldBe(_time.GetUtcNow().AddHours(2).UtcDateTime);
    }

    private CertificateAuthority Load() => CertificateAuthority.LoadOrCreate(_directory["data"], _time);

    private X509Certificate2 Issue(CertificateAuthority authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SvidIssuer(authority, _time).Issue(new("cluster.local", "shop", "orders"), new PublicKey(key), TimeSpan.FromHours(24));
    }

    private void Bring(TestAuthority authority, params X509Certificate2[] certificates)
    {
        Directory.CreateDirectory(_directory["data"]);
        File.WriteAllText(KeyPath, authority.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(CertificatePath, string.Join('\n', certificates.Select(c => c.ExportCertificatePem())));
    }
}
