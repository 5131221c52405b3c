using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class TrustBundleChangeTests : IAsyncDisposable
{
    private readonly WorkloadIdentityFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task SetTrustBundle_RootAdded_PeersOfItAreBelievedAtOnce()
    {
        var second = new TestAuthority(_fixture.Time, "CN=second root");
        var identity = await _fixture.CertifiedAsync();
        var before = identity.Current!;
        var changes = new List<WorkloadCertificate>();
        identity.Changed += changes.Add;

        identity.SetTrustBundle(Bundle(_fixture.Root, second));

        var now = identity.Current!;
        changes.ShouldBe([now]);
        now.Context.ShouldBeSameAs(before.Context, "the certificate stays, and with it sessions");
        using var peer = second.Issue(new TestLeaf());
        now.Verifier.Verify(peer, null, PeerRole.Client).Id.ShouldNotBeNull();
        before.Verifier.Verify(peer, null, PeerRole.Client).Failure.ShouldBe(PeerFailure.UnknownAuthority);
        TrustBundle.FromPem(File.ReadAllText(Path.Combine(_fixture.StateDirectory, "bundle.pem"))).SameAs(now.Bundle).ShouldBeTrue();
        _fixture.Certifier.Count.ShouldBe(1, "our own root is still among them");
    }

    [Fact]
    public async Task SetTrustBundle_SameOrEmpty_ChangesNothing()
    {
        var identity = await _fixture.CertifiedAsync();
        var before = identity.Current;

        identity.SetTrustBundle(Bundle(_fixture.Root));
        identity.SetTrustBundle(TrustBundle.Empty);

        identity.Current.ShouldBeSameAs(before);
    }

    [Fact]
    public async Task SetTrustBundle_OwnRootGone_RenewsAtOnce()
    {
        var identity = await _fixture.CertifiedAsync();

        identity.SetTrustBundle(Bundle(new TestAuthority(_fixture.Time, "CN=second root")));

        (await _fixture.Certifier.NextAsync()).Shown.ShouldNotBeNull();
    }

    [Fact]
    public async Task Run_RenewedAfterStreamSpoke_KeepsTheStreamsBundle()
    {
        var identity = await _fixture.CertifiedAsync();
        var streamed = Bundle(_fixture.Root, new TestAuthority(_fixture.Time, "CN=second root"));
        identity.SetTrustBundle(streamed);
        var before = identity.Current;

        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(45));

        identity.Current.ShouldNotBeSameAs(before);
        identity.Current!.Bundle.SameAs(streamed).ShouldBeTrue();
    }

    private static TrustBundle Bundle(params TestAuthority[] authorities) => TrustBundle.FromCertificates(authorities.Select(a => a.Public));
}
