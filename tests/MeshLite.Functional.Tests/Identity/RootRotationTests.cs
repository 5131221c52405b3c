using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Identity;

/// <summary>A root replaced by overlapping bundles, as the control plane's README says, with two workloads that call each other all along.</summary>
public sealed class RootRotationTests : IAsyncLifetime
{
    private readonly IdentityPlane _plane = new();

    public async ValueTask InitializeAsync() => await _plane.StartAsync();

    public ValueTask DisposeAsync() => _plane.DisposeAsync();

    [Fact]
    public async Task Rotation_StepByStep_HandshakesNeverFail()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        var frontend = _plane.Workload(_plane.Token("shop", "frontend"));
        await Task.WhenAll(orders.FirstCertificate, frontend.FirstCertificate);
        var old = File.ReadAllText(_plane.CaFile);
        var next = new TestAuthority(_plane.Time, "CN=next root", TimeSpan.FromDays(3650));

        // The new root is believed before anything is signed by it.
        await RestartAsync(old + next.Public.ExportCertificatePem(), key: null, orders, frontend);
        await CallEachOtherAsync(orders, frontend);

        // It signs: one workload has renewed, the other not yet.
        await RestartAsync(old + next.Public.ExportCertificatePem(), next.Certificate, orders, frontend);
        await _plane.AdvanceUntilAsync(() => SignedBy(orders, next) != SignedBy(frontend, next), "one has renewed", TimeSpan.FromMinutes(1));
        await CallEachOtherAsync(orders, frontend);

        // All have renewed: the old root goes.
        await _plane.AdvanceUntilAsync(() => SignedBy(orders, next) && SignedBy(frontend, next), "both have renewed", TimeSpan.FromMinutes(1));
        await RestartAsync(next.Public.ExportCertificatePem(), key: null, orders, frontend);
        await CallEachOtherAsync(orders, frontend);

        orders.Current!.Bundle.Roots.ShouldHaveSingleItem().Subject.ShouldBe("CN=next root");
        _plane.Module.RefusedHandshakes.Snapshot().ShouldBeEmpty();
        orders.Attempts.Snapshot().Keys.ShouldBe(["ok"]);
        frontend.Attempts.Snapshot().Keys.ShouldBe(["ok"]);
    }

    private async Task RestartAsync(string bundle, X509Certificate2? key, params WorkloadIdentity[] workloads)
    {
        await _plane.StopAsync();
        File.WriteAllText(_plane.CaFile, bundle);
        if (key is not null)
        {
            File.WriteAllText(Path.Combine(_plane.DataDirectory, "ca.key"), key.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }

        await _plane.StartAsync();
        foreach (var workload in workloads)
        {
            workload.SetTrustBundle(_plane.Module.TrustBundle); // as the configuration stream does
        }
    }

    private static bool SignedBy(WorkloadIdentity workload, TestAuthority authority) =>
        workload.Current!.Context.TargetCertificate.Issuer == authority.Public.Subject;

    private static async Task CallEachOtherAsync(WorkloadIdentity one, WorkloadIdentity other)
    {
        using var there = await MutualConnection.OpenAsync(one.Current!, other.Current!);
        using var back = await MutualConnection.OpenAsync(other.Current!, one.Current!);
        (await there.EchoAsync() && await back.EchoAsync()).ShouldBeTrue();
    }
}
