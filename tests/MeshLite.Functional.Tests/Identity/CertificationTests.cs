using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Identity;

/// <summary>Control plane and sidecar together: from the token to mutual TLS, through renewals, restarts and a lost authority.</summary>
public sealed class CertificationTests : IAsyncLifetime
{
    private readonly IdentityPlane _plane = new();

    public async ValueTask InitializeAsync() => await _plane.StartAsync();

    public ValueTask DisposeAsync() => _plane.DisposeAsync();

    [Fact]
    public async Task Workloads_JoinedByToken_ShakeHands()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        var frontend = _plane.Workload(_plane.Token("shop", "frontend"));
        await Task.WhenAll(orders.FirstCertificate, frontend.FirstCertificate);

        using var connection = await MutualConnection.OpenAsync(orders.Current!, frontend.Current!);

        connection.Server.Result.Id!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
        connection.Client.Result.Id!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/orders");
        _plane.Module.Certifications["token"].ShouldBe(2);
    }

    [Fact]
    public async Task Connection_BothEndsRenew_GoesOn()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        var frontend = _plane.Workload(_plane.Token("shop", "frontend"));
        await Task.WhenAll(orders.FirstCertificate, frontend.FirstCertificate);
        var (first, second) = (orders.Current!, frontend.Current!);
        using var connection = await MutualConnection.OpenAsync(first, second);

        await _plane.AdvanceUntilAsync(
            () => !ReferenceEquals(orders.Current, first) && !ReferenceEquals(frontend.Current, second), "both renewed", TimeSpan.FromMinutes(5));

        (await connection.EchoAsync()).ShouldBeTrue();
        _plane.Module.Certifications["renewal"].ShouldBe(2);
        using var next = await MutualConnection.OpenAsync(orders.Current!, frontend.Current!);
        (await next.EchoAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Workload_RestartedWhileControlPlaneIsGone_ServesAndRenewsLater()
    {
        var before = _plane.Workload(_plane.Token("shop", "orders"), _plane["state"]);
        await before.FirstCertificate;
        await Eventually.TrueAsync(() => before.Attempts["ok"] == 1, "certificate kept");
        await _plane.StopAsync();

        var after = _plane.Workload(tokenFile: null, _plane["state"]);
        after.Current.ShouldNotBeNull();
        var restored = after.Current;
        await _plane.AdvanceUntilAsync(() => after.Problem is not null, "renewal was tried", TimeSpan.FromMinutes(30));
        after.Problem!.ShouldContain("Connection refused");
        after.Current.ShouldBeSameAs(restored);
        await _plane.StartAsync();

        await _plane.AdvanceUntilAsync(() => !ReferenceEquals(after.Current, restored), "renewed", TimeSpan.FromSeconds(1));
        after.Problem.ShouldBeNull();
    }

    [Fact]
    public async Task Workload_ControlPlaneLostItsAuthority_JoinsTheNewOneByToken()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        await orders.FirstCertificate;
        var former = orders.Current!;
        await _plane.StopAsync();
        File.Delete(_plane.CaFile);
        File.Delete(Path.Combine(_plane.DataDirectory, "ca.key"));
        await _plane.StartAsync();

        await _plane.AdvanceUntilAsync(() => !ReferenceEquals(orders.Current, former), "joined anew", TimeSpan.FromMinutes(5));

        _plane.Time.GetUtcNow().ShouldBeLessThan(former.NotAfter, "it need not wait until its certificate has expired");
        orders.Current!.Bundle.SameAs(_plane.Module.TrustBundle).ShouldBeTrue();
        _plane.Module.RefusedHandshakes["unknown_authority"].ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task Workload_TokenExpired_SaysWhatTheControlPlaneSaid()
    {
        var path = _plane.Token("shop", "orders", TimeSpan.FromSeconds(1));
        _plane.Time.Advance(TimeSpan.FromSeconds(2));
        var orders = _plane.Workload(path);

        await Eventually.TrueAsync(() => orders.Attempts["Unauthenticated"] > 0, "refused");

        orders.Problem.ShouldBe(
            "the control plane did not certify this workload: the token has expired; make a new one with 'meshctl token create'");
        orders.Current.ShouldBeNull();
    }

    [Fact]
    public async Task Workload_TokenReplacedAfterItExpired_Joins()
    {
        var path = _plane.Token("shop", "orders", TimeSpan.FromSeconds(1));
        _plane.Time.Advance(TimeSpan.FromSeconds(2));
        var orders = _plane.Workload(path);
        await Eventually.TrueAsync(() => orders.Attempts["Unauthenticated"] > 0, "refused");

        _plane.Token("shop", "orders");

        await _plane.AdvanceUntilAsync(() => orders.Current is not null, "joined", TimeSpan.FromSeconds(1));
    }
}
