using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Identity;

namespace MeshLite.ControlPlane.Tests.Identity;

public sealed class SigningRequestTests
{
    private const string NotPkcs10 = "is not PKCS#10";
    private const string NotP256 = "is not ECDSA P-256";

    // openssl ecparam -name prime256v1 -genkey -param_enc explicit | openssl req -new -key /dev/stdin -subj / -outform DER
    private const string ExplicitCurve =
        "MIIBsDCCAVYCAQAwADCCAUswggEDBgcqhkjOPQIBMIH3AgEBMCwGByqGSM49AQECIQD/////AAAAAQAAAAAAAAAAAAAAAP///////////////z" +
        "BbBCD/////AAAAAQAAAAAAAAAAAAAAAP///////////////AQgWsY12Ko6k+ez671VdpiGvGUdBrDMU7D2O848PifSYEsDFQDEnTYIhucEk2pm" +
        "eOETnSa3gZ9+kARBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfUCIQD///" +
        "//AAAAAP//////////vOb6racXnoTzucrC/GMlUQIBAQNCAARV14fWhmM5PP2fbdti5H7xqiQUo0cnWOd7MwzF3oGF3CyBiHW7qhMPY9Dg90MO" +
        "4AZpLYgfcIyxmbbCQbnVxLd7oAAwCgYIKoZIzj0EAwIDSAAwRQIgRqFOci2QmkmFOWtB+90ehJP70OGnQqoCV5GQ3h/0nY0CIQDLH8zo5SEDJ1" +
        "/kYPYemMTW8fFNQO5PBkNhuomcTUx6XA==";

    [Fact]
    public void Check_GoodRequest_GivesItsKey()
    {
        var (key, csr) = IdentityServer.MakeRequest();
        using var _ = key;

        SigningRequest.Check(csr, out var problem)!.ExportSubjectPublicKeyInfo().ShouldBe(key.ExportSubjectPublicKeyInfo());
        problem.ShouldBeNull();
    }

    [Theory]
    [InlineData("RSA", NotP256)]
    [InlineData("P-384", NotP256)]
    [InlineData("P-521", NotP256)]
    [InlineData("explicit curve", NotP256)]
    [InlineData("empty", "has 0 bytes")]
    [InlineData("garbage", NotPkcs10)]
    [InlineData("oversized", "has 2049 bytes")]
    [InlineData("PEM", NotPkcs10)]
    [InlineData("trailing byte", NotPkcs10)]
    [InlineData("a certificate", NotPkcs10)]
    [InlineData("bad signature", NotPkcs10)]
    [InlineData("signed by another", NotPkcs10)]
    public void Check_Fault_SaysWhich(string fault, string says)
    {
        SigningRequest.Check(Make(fault), out var problem).ShouldBeNull();

        problem!.ShouldContain(says);
    }

    [Fact]
    public void Check_AnyByteChanged_IsRefusedWithoutAnException()
    {
        var (key, csr) = IdentityServer.MakeRequest();
        key.Dispose();
        Prop.ForAll(
            Gen.Choose(0, csr.Length - 1).SelectMany(at => Gen.Choose(1, 255).Select(flip => (at, flip))).ToArbitrary(),
            change =>
            {
                var changed = (byte[])csr.Clone();
                changed[change.at] ^= (byte)change.flip;
                return SigningRequest.Check(changed, out var problem) is null && problem is not null;
            }).QuickCheckThrowOnFailure();
    }

    private static byte[] Make(string fault)
    {
        var (key, good) = IdentityServer.MakeRequest();
        using var _ = key;
        switch (fault)
        {
            case "RSA":
                using (var rsa = RSA.Create(2048))
                {
                    return new CertificateRequest("", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
                }

            case "P-384":
                return Of(ECCurve.NamedCurves.nistP384);
            case "P-521":
                return Of(ECCurve.NamedCurves.nistP521);
            case "explicit curve":
                return Convert.FromBase64String(ExplicitCurve);
            case "empty":
                return [];
            case "garbage":
                return [0x30, 0x03, 0x01, 0x02, 0x03];
            case "oversized":
                return new byte[SigningRequest.MaxBytes + 1];
            case "PEM":
                return System.Text.Encoding.ASCII.GetBytes(new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequestPem());
            case "trailing byte":
                return [.. good, 0];
            case "a certificate":
                using (var certificate = new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(1)))
                {
                    return certificate.RawData;
                }

            case "bad signature":
                good[^1] ^= 1;
                return good;
            case "signed by another":
                using (var other = ECDsa.Create(ECCurve.NamedCurves.nistP256))
                {
                    // Somebody's public key, without the private one.
                    return new CertificateRequest(new X500DistinguishedName(""), new PublicKey(key), HashAlgorithmName.SHA256)
                        .CreateSigningRequest(X509SignatureGenerator.CreateForECDsa(other));
                }

            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault, null);
        }
    }

    private static byte[] Of(ECCurve curve)
    {
        using var key = ECDsa.Create(curve);
        return new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }
}
