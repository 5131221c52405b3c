using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity.Rotation;

public sealed class AuthorityKeeperTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly KeeperFixture _fixture = new();

    [Fact]
    public async Task Look_NothingRecorded_RecordsWhatIsOffered()
    {
        (await _fixture.LookAsync()).ShouldBeFalse();

        _fixture.Store.Record!.Signer.SignsAs(_fixture.First).ShouldBeTrue();
        _fixture.Store.Record.Step.ShouldBe(RotationStep.Steady);
        (await _fixture.LookAsync()).ShouldBeTrue();
        _fixture.Store.Saved.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Look_NothingRecordedAndAnotherOffered_IsAChangeOfWhatIsInForce()
    {
        var next = _fixture.MakeRoot();
        _fixture.Store.Put(next);

        await _fixture.LookAsync();

        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Overlap);
        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        _fixture.Published.ShouldBe([_fixture.First.Root, next.Root]);
    }

    [Fact]
    public async Task Look_AnotherRootOffered_OverlapsSwitchesRetires()
    {
        await _fixture.LookAsync();
        var next = _fixture.MakeRoot();
        _fixture.Store.Put(next);

        await _fixture.LookAsync();
        _fixture.Published.ShouldBe([_fixture.First.Root, next.Root]);
        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);

        await _fixture.LookForAsync(_fixture.Times.Hold - Second);
        _fixture.SigningRoot.ShouldBe(_fixture.First.Root, "everybody has it, but not for long enough");
        await _fixture.LookForAsync(2 * Second);
        _fixture.SigningRoot.ShouldBe(next.Root);
        _fixture.ServerRoot.ShouldBe(_fixture.First.Root, "a sidecar that missed the overlap must be able to connect");
        _fixture.Published.ShouldBe([_fixture.First.Root, next.Root]);

        await _fixture.LookForAsync(KeeperFixture.Lifetime - (3 * Second));
        _fixture.Published.Count().ShouldBe(2, "a certificate of the former root may still be alive");
        await _fixture.LookForAsync(4 * Second);
        _fixture.Published.ShouldBe([next.Root]);
        _fixture.ServerRoot.ShouldBe(next.Root);
        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Steady);
        _fixture.Store.Record.Previous.ShouldBeNull();
    }

    [Theory]
    [InlineData(false, 2, 3)]
    [InlineData(true, 3, 3)]
    public async Task Look_OneSidecarOrReplicaBehind_DoesNotSwitch(bool unheard, int withRoots, int withIssuer)
    {
        await _fixture.LookAsync();
        _fixture.Progress = _ => new AuthorityProgress { Sidecars = 3, WithRoots = withRoots, WithIssuer = withIssuer, Unheard = unheard ? ["10.0.0.2:15012"] : [] };
        await _fixture.RotateAsync(_fixture.MakeRoot());

        await _fixture.LookForAsync(TimeSpan.FromHours(2));

        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Overlap);
        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
    }

    [Fact]
    public async Task Look_BehindForAMomentDuringTheHold_BeginsItAnew()
    {
        await _fixture.LookAsync();
        await _fixture.RotateAsync(_fixture.MakeRoot());
        await _fixture.LookForAsync(_fixture.Times.Hold - Second);
        var all = _fixture.Progress;
        _fixture.Progress = _ => new AuthorityProgress { Sidecars = 3, WithRoots = 2 };
        await _fixture.LookAsync();
        _fixture.Progress = all;

        await _fixture.LookForAsync(_fixture.Times.Hold - Second);

        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        await _fixture.LookForAsync(2 * Second);
        _fixture.SigningRoot.ShouldNotBe(_fixture.First.Root);
    }

    [Fact]
    public async Task Look_OfferedAndOneIsBehindForever_SwitchesAfterTheLimitAndSaysWhom()
    {
        await _fixture.LookAsync();
        _fixture.Progress = _ => new AuthorityProgress { Sidecars = 3, WithRoots = 2, WithIssuer = 3, WithoutRoots = ["shop/stuck-1"] };
        var next = _fixture.MakeRoot();
        _fixture.Store.Put(next);
        await _fixture.LookAsync();

        await _fixture.LookForAsync(_fixture.Times.LongestOverlap - Second);
        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        await _fixture.LookForAsync(2 * Second);

        _fixture.SigningRoot.ShouldBe(next.Root);
        _fixture.Log.Lines.ShouldContain(line => line.Contains("shop/stuck-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Look_SidecarStillShowsAFormerCertificate_DoesNotRetire()
    {
        await _fixture.LookAsync();
        await _fixture.RotateAsync(_fixture.MakeRoot());
        await _fixture.LookForAsync(_fixture.Times.Hold + Second);
        _fixture.Progress = _ => new AuthorityProgress { Sidecars = 3, WithRoots = 3, WithIssuer = 2 };

        await _fixture.LookForAsync(2 * KeeperFixture.Lifetime);

        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Retire);
        _fixture.Published.Count().ShouldBe(2);
    }

    [Fact]
    public async Task Look_LifetimeWasLonger_RetiresAfterTheLongest()
    {
        _fixture.Module.Apply(new() { CertificateLifetime = TimeSpan.FromHours(1) });
        await _fixture.LookAsync();
        _fixture.Module.Apply(new() { CertificateLifetime = KeeperFixture.Lifetime });
        await _fixture.LookAsync();
        await _fixture.RotateAsync(_fixture.MakeRoot());

        await _fixture.LookForAsync(TimeSpan.FromMinutes(59));
        _fixture.Published.Count().ShouldBe(2);
        await _fixture.LookForAsync(TimeSpan.FromMinutes(2));

        _fixture.Published.Count().ShouldBe(1);
    }

    [Fact]
    public async Task Look_RestartedDuringTheHold_BeginsItAnew()
    {
        await _fixture.LookAsync();
        var next = _fixture.MakeRoot();
        await _fixture.RotateAsync(next);
        await _fixture.LookForAsync(_fixture.Times.Hold - Second);

        _fixture.Restart();
        await _fixture.LookForAsync(_fixture.Times.Hold - Second);

        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        _fixture.Published.ShouldBe([_fixture.First.Root, next.Root]);
        await _fixture.LookForAsync(2 * Second);
        _fixture.SigningRoot.ShouldBe(next.Root);
    }

    [Fact]
    public async Task Abort_InOverlap_TakesTheRootBackAtOnce()
    {
        await _fixture.LookAsync();
        await _fixture.RotateAsync(_fixture.MakeRoot());

        await _fixture.AbortAsync();

        _fixture.Published.ShouldBe([_fixture.First.Root]);
        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Steady);
        (await _fixture.LookAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Abort_AfterTheSwitch_TheFormerSignsAndTheNewRootIsRetired()
    {
        await _fixture.LookAsync();
        var next = _fixture.MakeRoot();
        await _fixture.RotateAsync(next);
        await _fixture.LookForAsync(_fixture.Times.Hold + Second);

        await _fixture.AbortAsync();

        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        _fixture.Published.ShouldBe([_fixture.First.Root, next.Root], "certificates stand on it");
        _fixture.Store.Record!.Abort(_fixture.Time.GetUtcNow()).ShouldBeNull("it is being taken back already");
        await _fixture.LookForAsync(KeeperFixture.Lifetime + Second);
        _fixture.Published.ShouldBe([_fixture.First.Root]);
        _fixture.Store.Record.Abort(_fixture.Time.GetUtcNow()).ShouldBeNull("there is nothing to take back");
    }

    [Fact]
    public async Task Look_AnotherIssuerUnderTheSameRoot_SignsAtOnceAndSendsItsChain()
    {
        var root = new TestAuthority(_fixture.Time, "CN=user root", TimeSpan.FromDays(3650));
        var issuers = new[] { root.Intermediate("CN=issuer 1"), root.Intermediate("CN=issuer 2") };
        _fixture.Store.Put(_fixture.PartOf(issuers[0], root));
        await _fixture.LookForAsync(TimeSpan.FromHours(2));
        var certificate = _fixture.Module.Authority.ServerSigner;
        _fixture.Store.Put(_fixture.PartOf(issuers[1], root));

        await _fixture.LookAsync();

        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Steady);
        _fixture.Module.Authority.Signer.Intermediates.ShouldHaveSingleItem().Subject.ShouldBe("CN=issuer 2");
        _fixture.Module.Authority.ServerSigner.ShouldNotBe(certificate);
        _fixture.Module.TrustBundle.Roots.ShouldHaveSingleItem().Subject.ShouldBe("CN=user root");
        IssuerKey.Of(issuers[1].Public).ToArray().ShouldBe(_fixture.Module.Authority.Signer.KeyId.ToArray());
    }

    [Fact]
    public async Task Look_ARootLessOffered_StaysUntilNoCertificateCanStandOnIt()
    {
        var (one, other) = (new TestAuthority(_fixture.Time, "CN=one"), new TestAuthority(_fixture.Time, "CN=other"));
        _fixture.Store.Put(_fixture.PartOf(one, other));
        await _fixture.LookForAsync(TimeSpan.FromHours(2));
        _fixture.Store.Put(_fixture.PartOf(one));

        await _fixture.LookForAsync(KeeperFixture.Lifetime - Second);
        _fixture.Module.TrustBundle.Roots.Length.ShouldBe(2);
        await _fixture.LookForAsync(2 * Second);

        _fixture.Module.TrustBundle.Roots.ShouldHaveSingleItem().Subject.ShouldBe("CN=one");
    }

    [Fact]
    public async Task Look_OffersTheFormerAgainDuringRetire_GoesBack()
    {
        await _fixture.LookAsync();
        _fixture.Store.Put(_fixture.MakeRoot());
        await _fixture.LookForAsync(_fixture.Times.Hold + (2 * Second));
        _fixture.SigningRoot.ShouldNotBe(_fixture.First.Root);

        _fixture.Store.Put(_fixture.First);
        await _fixture.LookAsync();

        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        _fixture.Published.Count().ShouldBe(2);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("other key")]
    [InlineData("no CA")]
    [InlineData("no root")]
    [InlineData("wrong root")]
    [InlineData("expired")]
    public async Task Look_OfferedIsNone_LastGoodStaysOneLineAndACount(string fault)
    {
        await _fixture.LookAsync();
        _fixture.Store.Offer = Bad(fault);

        await _fixture.LookForAsync(5 * Second);

        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Steady);
        _fixture.Keeper.Refusals.ShouldBe(1);
        _fixture.Log.Lines.Count(line => line.Contains("the one in force stays", StringComparison.Ordinal)).ShouldBe(1);
        _fixture.Log.Lines.Last().ShouldContain("ca.");
        _fixture.Store.Put(_fixture.First);
        await _fixture.LookAsync();
        _fixture.Store.Offer = Bad(fault);
        await _fixture.LookAsync();
        _fixture.Keeper.Refusals.ShouldBe(2, "it was good in between");
    }

    [Fact]
    public async Task Look_DoesNotLead_FollowsTheRecordAndWritesNothing()
    {
        await _fixture.LookAsync();
        _fixture.Leads = false;
        _fixture.Store.Put(_fixture.MakeRoot());
        var record = _fixture.Store.Record!;

        await _fixture.LookForAsync(5 * Second);
        _fixture.Published.ShouldBe([_fixture.First.Root]);
        _fixture.Store.Record.ShouldBeSameAs(record);

        var next = _fixture.MakeRoot();
        _fixture.Store.Record = record.Rotate(next, _fixture.Time.GetUtcNow());
        await _fixture.LookAsync();
        _fixture.Published.ShouldBe([_fixture.First.Root, next.Root]);
    }

    [Fact]
    public async Task Look_DoesNotLeadAndSomethingIsOffered_LooksAgainSoon()
    {
        _fixture.Leads = false;
        (await _fixture.LookAsync()).ShouldBeFalse("nothing is recorded yet");
        _fixture.Leads = true;
        await _fixture.LookAsync();
        _fixture.Leads = false;
        (await _fixture.LookAsync()).ShouldBeTrue();

        _fixture.Store.Put(_fixture.MakeRoot());

        (await _fixture.LookAsync()).ShouldBeFalse("whoever leads next is to see it at once");
    }

    [Fact]
    public async Task Change_SomebodyWritesInBetween_TriesAgain()
    {
        await _fixture.LookAsync();
        _fixture.Store.Conflicts = 2;

        await _fixture.RotateAsync(_fixture.MakeRoot());

        _fixture.Store.Record!.Step.ShouldBe(RotationStep.Overlap);
    }

    [Fact]
    public async Task Look_StoreAway_LastGoodStays()
    {
        await _fixture.LookAsync();
        _fixture.Store.IsAway = true;

        (await _fixture.LookAsync()).ShouldBeFalse();

        _fixture.SigningRoot.ShouldBe(_fixture.First.Root);
        _fixture.Keeper.Refusals.ShouldBe(0);
    }

    private AuthorityOffer Bad(string fault)
    {
        var good = _fixture.MakeRoot();
        var root = new TestAuthority(_fixture.Time, "CN=user root");
        var intermediate = _fixture.PartOf(root.Intermediate(), root);
        var leaf = root.Issue(new TestLeaf());
        var (key, pem) = fault switch
        {
            "garbage" => ("no key", "no certificate"),
            "other key" => (_fixture.MakeRoot().Key, good.Root),
            "no CA" => (good.Key, good.Root + leaf.ExportCertificatePem()),
            "no root" => (intermediate.Key, intermediate.Chain),
            "wrong root" => (intermediate.Key, intermediate.Chain + good.Root),
            _ => _fixture.PartOf(new TestAuthority(_fixture.Time, "CN=short", 2 * Second)) is var part ? (part.Key, part.Root) : default,
        };
        if (fault == "expired")
        {
            _fixture.Time.Advance(3 * Second);
        }

        return new AuthorityOffer(key, "ca.key", pem, "ca.pem");
    }
}
