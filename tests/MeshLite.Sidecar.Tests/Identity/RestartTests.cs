using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class RestartTests : IAsyncDisposable
{
    private readonly WorkloadIdentityFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Restart_ControlPlaneAway_ComesBackWithTheSameCertificate()
    {
        var before = (await _fixture.CertifiedAsync()).Current!;
        _fixture.Certifier.Answer = _ => throw new GrpcException(GrpcStatusCode.Unavailable, "away");

        var identity = _fixture.Create(seed: 2);

        identity.FirstCertificate.IsCompletedSuccessfully.ShouldBeTrue();
        identity.Problem.ShouldBeNull();
        var current = identity.Current!;
        current.Context.TargetCertificate.RawData.ShouldBe(before.Context.TargetCertificate.RawData);
        current.Bundle.SameAs(before.Bundle).ShouldBeTrue();
        current.RenewAt.ShouldBeInRange(current.NotBefore, current.NotAfter);
    }

    [Fact]
    public async Task Restart_RestoredCertificate_ServesHandshakes()
    {
        await _fixture.CertifiedAsync();
        var own = _fixture.Create(seed: 2).Current!;

        var ends = await Handshakes.RunAsync(
            MeshLite.Sidecar.Identity.ServerTls.Prepare(own),
            MeshLite.Sidecar.Identity.ClientTls.Prepare(own, own.Id, Handshakes.Endpoint, MeshTls.Http));

        ends.ServerSees.Id.ShouldBe(own.Id);
        ends.ClientSees.Id.ShouldBe(own.Id);
    }

    [Fact]
    public async Task Keep_Files_AreForTheOwnerOnly()
    {
        await _fixture.CertifiedAsync();

        File.GetUnixFileMode(_fixture.StateDirectory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var files = Directory.GetFiles(_fixture.StateDirectory);
        files.Select(Path.GetFileName).Order().ShouldBe(["bundle.pem", "svid.key", "svid.pem"]);
        files.ShouldAllBe(f => File.GetUnixFileMode(f) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Fact]
    public async Task Restart_CrashedBetweenKeyAndCertificate_FindsTheCertificateOfTheKey()
    {
        var old = await File.ReadAllTextAsync(await CertifiedFileAsync("svid.pem"));
        await _fixture.AdvanceAsync(TimeSpan.FromMinutes(45));
        // As it lies after the key was replaced and before its certificate was.
        File.Move(StateFile("svid.pem"), StateFile("svid.pem.new"));
        await File.WriteAllTextAsync(StateFile("svid.pem"), old);

        var identity = _fixture.Create(seed: 2);

        identity.Current.ShouldNotBeNull();
        identity.Current.Context.TargetCertificate.HasPrivateKey.ShouldBeTrue();
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("key of another")]
    [InlineData("key is garbage")]
    [InlineData("certificate is garbage")]
    [InlineData("certificate is empty")]
    [InlineData("bundle is missing")]
    [InlineData("bundle of another authority")]
    [InlineData("other namespace")]
    public async Task Restart_UnusableState_IsIgnoredAndJoinsAnew(string fault)
    {
        await CertifiedFileAsync("svid.key");
        await _fixture.StopAsync();
        switch (fault)
        {
            case "expired":
                _fixture.Time.Advance(TimeSpan.FromHours(2));
                break;
            case "key of another":
                using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
                {
                    await File.WriteAllTextAsync(StateFile("svid.key"), key.ExportPkcs8PrivateKeyPem());
                }

                break;
            case "key is garbage":
                await File.WriteAllTextAsync(StateFile("svid.key"), "garbage");
                break;
            case "certificate is garbage":
                await File.WriteAllTextAsync(StateFile("svid.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
                break;
            case "certificate is empty":
                await File.WriteAllTextAsync(StateFile("svid.pem"), "");
                break;
            case "bundle is missing":
                File.Delete(StateFile("bundle.pem"));
                break;
            case "bundle of another authority":
                await File.WriteAllTextAsync(StateFile("bundle.pem"), new TestAuthority(_fixture.Time, "CN=other").Public.ExportCertificatePem());
                break;
            case "other namespace":
                _fixture.Options = _fixture.Options with { Namespace = "bank" };
                break;
        }

        var identity = _fixture.Create(seed: 2);

        identity.Current.ShouldBeNull();
        identity.FirstCertificate.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Keep_DirectoryCannotBeMade_ServesFromMemory()
    {
        _fixture.Options = _fixture.Options with { StateDirectory = Path.Combine(_fixture.TokenFile, "state") };

        var identity = await _fixture.RunAsync();

        identity.Current.ShouldNotBeNull();
        identity.Problem.ShouldBeNull();
    }

    private string StateFile(string name) => Path.Combine(_fixture.StateDirectory, name);

    private async Task<string> CertifiedFileAsync(string name)
    {
        await _fixture.CertifiedAsync();
        return StateFile(name);
    }
}
