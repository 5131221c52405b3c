using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class SigningKeyTests : IAsyncDisposable
{
    private readonly WorkloadIdentityFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task SetSigningKey_OfOurIssuer_RenewsNoSooner()
    {
        var identity = await _fixture.CertifiedAsync();

        identity.SetSigningKey(IssuerKey.Of(_fixture.Root.Public));
        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(30));

        _fixture.Certifier.Count.ShouldBe(1);
    }

    [Fact]
    public async Task SetSigningKey_Unsaid_RenewsNoSooner()
    {
        var identity = await _fixture.CertifiedAsync();

        identity.SetSigningKey(default);
        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(30));

        _fixture.Certifier.Count.ShouldBe(1);
    }

    [Fact]
    public async Task SetSigningKey_OfAnother_RenewsWithinTheSpreadWithItsCertificateAsProof()
    {
        var next = new TestAuthority(_fixture.Time, "CN=next root");
        var identity = await _fixture.CertifiedAsync();
        identity.SetTrustBundle(TrustBundle.FromCertificates([_fixture.Root.Public, next.Public]));
        var other = new FakeCertifier(next);
        _fixture.Certifier.Answer = other.Sign;

        identity.SetSigningKey(IssuerKey.Of(next.Public));
        await _fixture.AdvanceAsync(TimeSpan.FromSeconds(10));
        _fixture.Certifier.Count.ShouldBe(1, "not all at once");
        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(5));

        var call = await _fixture.Certifier.NextAsync();
        (call.Shown, call.Token).ShouldBe((call.Shown.ShouldNotBeNull(), "token-1"));
        await Eventually.TrueAsync(() => identity.Current!.IssuerKey.Span.SequenceEqual(IssuerKey.Of(next.Public).Span), "a certificate of who signs");
        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(30));
        _fixture.Certifier.Count.ShouldBe(2, "its issuer is the one that signs");
    }

    [Fact]
    public async Task SetSigningKey_StillTheFormerIsGiven_AsksAgainAfterAsLong()
    {
        var next = new TestAuthority(_fixture.Time, "CN=next root");
        var identity = await _fixture.CertifiedAsync();

        identity.SetSigningKey(IssuerKey.Of(next.Public));

        var begin = _fixture.Time.GetUtcNow();
        for (var i = 1; i <= 3; i++)
        {
            var calls = 0;
            await Eventually.TrueAsync(
                () =>
                {
                    _fixture.Time.Advance(TimeSpan.FromSeconds(10));
                    return (calls = _fixture.Certifier.Drain().Count) > 0;
                },
                "a replica may not know yet: again");
            calls.ShouldBe(1, "but not without pause");
        }

        (_fixture.Time.GetUtcNow() - begin).ShouldBeInRange(TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(60), "a hundredth of its life each time, at least; three at two thirds of it would take 90 min");
    }
}
