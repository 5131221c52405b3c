using System.Security.Cryptography;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Pki;

public sealed class TrustBundleTests
{
    private readonly TestAuthority _first = new(new ManualTimeProvider(), "CN=first");
    private readonly TestAuthority _second = new(new ManualTimeProvider(), "CN=second");

    [Fact]
    public void FromPem_WhatToPemWrote_IsTheSame()
    {
        var bundle = TrustBundle.FromCertificates([_first.Public, _second.Public]);

        TrustBundle.FromPem(bundle.ToPem()).SameAs(bundle).ShouldBeTrue();
        TrustBundle.FromDer(bundle.Der).SameAs(bundle).ShouldBeTrue();
    }

    [Fact]
    public void Union_Overlapping_HoldsEachOnce() =>
        TrustBundle.FromCertificates([_first.Public]).Union(TrustBundle.FromCertificates([_second.Public, _first.Public]))
            .Roots.Select(r => r.Subject).ShouldBe(["CN=first", "CN=second"]);

    [Fact]
    public void SameAs_Different_IsFalse()
    {
        var bundle = TrustBundle.FromCertificates([_first.Public]);

        bundle.SameAs(TrustBundle.FromCertificates([_second.Public])).ShouldBeFalse();
        bundle.SameAs(TrustBundle.FromCertificates([_first.Public, _second.Public])).ShouldBeFalse();
        bundle.SameAs(TrustBundle.Empty).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing here")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    public void FromPem_NoCertificate_Throws(string pem) => Should.Throw<CryptographicException>(() => TrustBundle.FromPem(pem));

    [Fact]
    public void FromDer_Garbage_Throws() => Should.Throw<CryptographicException>(() => TrustBundle.FromDer([new byte[] { 1, 2, 3 }]));

    [Fact]
    public void FromCertificates_TooMany_Throws()
    {
        var time = new ManualTimeProvider();
        Should.Throw<CryptographicException>(() => TrustBundle.FromCertificates(
            Enumerable.Range(0, TrustBundle.MaxRoots + 1).Select(i => new TestAuthority(time, $"CN={i}").Public)));
    }
}
