using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class WorkloadIdentityTests : IAsyncDisposable
{
    private readonly WorkloadIdentityFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Run_NothingHeld_JoinsByToken()
    {
        var identity = await _fixture.RunAsync();

        var call = await _fixture.Certifier.NextAsync();
        call.Token.ShouldBe("token-1");
        call.Shown.ShouldBeNull();
        identity.FirstCertificate.IsCompletedSuccessfully.ShouldBeTrue();
        identity.Current!.Id.ShouldBe(new SpiffeId("cluster.local", "shop", "orders"));
        identity.Current.IsValidAt(_fixture.Time.GetUtcNow()).ShouldBeTrue();
        identity.Problem.ShouldBeNull();
        identity.Attempts["ok"].ShouldBe(1);
    }

    [Fact]
    public async Task Run_TwoThirdsOfLife_RenewsWithItsCertificateAndANewKey()
    {
        _fixture.Certifier.Leaf = new TestLeaf { From = -SvidProfile.Backdate, Lifetime = TimeSpan.FromMinutes(60) + SvidProfile.Backdate };
        var identity = await _fixture.CertifiedAsync();
        var first = identity.Current!;

        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(35.9));
        _fixture.Certifier.Count.ShouldBe(1, "60 % of an hour is the earliest");

        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(8.2));
        _fixture.Certifier.Count.ShouldBe(2, "73.4 % of an hour is the latest");
        var call = await _fixture.Certifier.NextAsync();
        call.Token.ShouldBe("token-1", "a control plane in a cluster goes by it");
        call.Shown.ShouldBeSameAs(first);
        identity.Current.ShouldNotBeSameAs(first);
        identity.Current!.Context.TargetCertificate.GetPublicKey().ShouldNotBe(first.Context.TargetCertificate.GetPublicKey());
    }

    [Fact]
    public async Task Run_LongLife_SleepsInSlicesAndStillRenewsInTime()
    {
        _fixture.Certifier.Leaf = new TestLeaf { From = -SvidProfile.Backdate, Lifetime = TimeSpan.FromHours(24) + SvidProfile.Backdate };
        await _fixture.CertifiedAsync();

        for (var hour = 0; hour < 14; hour++)
        {
            await _fixture.AdvanceAsync(TimeSpan.FromHours(1));
        }

        _fixture.Certifier.Count.ShouldBe(1);
        for (var hour = 14; hour < 18; hour++)
        {
            await _fixture.AdvanceAsync(TimeSpan.FromHours(1));
        }

        _fixture.Certifier.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Run_ControlPlaneAway_KeepsWhatIsHeldAndTriesTheTokenAloneToo()
    {
        var identity = await _fixture.CertifiedAsync();
        var held = identity.Current;
        _fixture.Certifier.Answer = _ => throw new GrpcException(GrpcStatusCode.Unavailable, "connection refused");

        await _fixture.AdvanceToRenewalAsync(identity);
        var proofs = new List<(string? Token, bool Certificate)>();
        void Add(FakeCertifier.Call call) => proofs.Add((call.Token, call.Shown is not null));
        Add(await _fixture.Certifier.NextAsync());
        File.WriteAllText(_fixture.TokenFile, "token-2");
        while (proofs.Count < 4)
        {
            await _fixture.AdvanceAsync(TimeSpan.FromSeconds(10));
            while (proofs.Count < _fixture.Certifier.Count - 1)
            {
                Add(await _fixture.Certifier.NextAsync());
            }
        }

        proofs.Take(4).ShouldBe([("token-1", true), ("token-2", false), ("token-2", true), ("token-2", false)]);
        identity.Current.ShouldBeSameAs(held);
        identity.Problem.ShouldBe("the control plane did not certify this workload: connection refused");
        identity.Attempts["Unavailable"].ShouldBeGreaterThanOrEqualTo(4);

        _fixture.Certifier.Answer = null;
        await _fixture.AdvanceAsync(TimeSpan.FromSeconds(10));
        identity.Current.ShouldNotBeSameAs(held);
        identity.Problem.ShouldBeNull();
    }

    [Fact]
    public async Task Run_CertificateExpiredMeanwhile_JoinsByToken()
    {
        var identity = await _fixture.CertifiedAsync();
        _fixture.Certifier.Answer = _ => throw new GrpcException(GrpcStatusCode.Unavailable, "away");
        await _fixture.AdvanceToRenewalAsync(identity);
        await _fixture.AdvanceAsync(TimeSpan.FromHours(2));
        _fixture.Certifier.Drain();

        for (var tries = 0; tries < 4; tries++)
        {
            await _fixture.AdvanceAsync(TimeSpan.FromSeconds(10));
        }

        var calls = _fixture.Certifier.Drain();
        calls.Count.ShouldBeGreaterThanOrEqualTo(4);
        calls.ShouldAllBe(c => c.Token == "token-1" && c.Shown == null, "an expired certificate proves nothing");
    }

    [Fact]
    public async Task Run_TokenGoneMeanwhile_RenewsWithItsCertificateAlone()
    {
        var identity = await _fixture.CertifiedAsync();
        var first = identity.Current;
        File.Delete(_fixture.TokenFile);

        await _fixture.AdvanceToRenewalAsync(identity);

        var call = await _fixture.Certifier.NextAsync();
        (call.Token, call.Shown).ShouldBe((null, first));
        identity.Current.ShouldNotBeSameAs(first);
    }

    [Fact]
    public async Task Run_NoToken_SaysSoAndReadsItWhenItComes()
    {
        File.Delete(_fixture.TokenFile);
        var identity = await _fixture.RunAsync();
        identity.Current.ShouldBeNull();
        identity.Problem!.ShouldStartWith("cannot read the token:");

        File.WriteAllText(_fixture.TokenFile, "late");
        await _fixture.AdvanceAsync(TimeSpan.FromSeconds(10));

        (await _fixture.Certifier.NextAsync()).Token.ShouldBe("late");
        identity.Current.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("other key", "the control plane's answer certifies another key")]
    [InlineData("other authority", "the certificate is not signed by a root of the trust bundle")]
    [InlineData("no bundle", "the certificate is not signed by a root of the trust bundle")]
    [InlineData("no certificate", "the control plane's answer holds no certificate")]
    [InlineData("garbage", "the control plane's answer cannot be used:")]
    [InlineData("expired", "the certificate has expired")]
    [InlineData("other namespace", "the certificate is for namespace 'shop', this workload is in 'bank'")]
    public async Task Run_UnusableAnswer_IsRefused(string fault, string problem)
    {
        var certifier = _fixture.Certifier;
        if (fault == "other namespace")
        {
            _fixture.Options = _fixture.Options with { Namespace = "bank" };
        }

        certifier.Answer = request =>
        {
            var response = certifier.Sign(request);
            switch (fault)
            {
                case "other key":
                    response = certifier.Sign(_fixture.Root.Public.PublicKey);
                    break;
                case "other authority":
                    response.TrustBundle[0] = Google.Protobuf.ByteString.CopyFrom(new TestAuthority(_fixture.Time, "CN=other").Public.RawData);
                    break;
                case "no bundle":
                    response.TrustBundle.Clear();
                    break;
                case "no certificate":
                    response.CertificateChain.Clear();
                    break;
                case "garbage":
                    response.CertificateChain[0] = Google.Protobuf.ByteString.CopyFromUtf8("garbage");
                    break;
                case "expired":
                    certifier.Leaf = new TestLeaf { From = TimeSpan.FromHours(-1), Lifetime = TimeSpan.FromMinutes(59) };
                    response = certifier.Sign(request);
                    break;
            }

            return response;
        };

        var identity = await _fixture.RunAsync();

        identity.Current.ShouldBeNull();
        identity.Problem!.ShouldStartWith(problem);
        identity.Attempts["ok"].ShouldBe(0);
    }

    [Fact]
    public async Task Run_Surprise_IsCountedAndTheLoopGoesOn()
    {
        _fixture.Certifier.Answer = _ => throw new InvalidOperationException("surprise");
        var identity = await _fixture.RunAsync();
        identity.Attempts["unexpected"].ShouldBe(1);

        _fixture.Certifier.Answer = null;
        await _fixture.AdvanceAsync(TimeSpan.FromSeconds(10));

        identity.Current.ShouldNotBeNull();
    }
}
