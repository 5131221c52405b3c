using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MeshLite.Cli.Authority;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cli;

/// <summary>meshctl ca against a real control plane and a real sidecar. What time decides is forced here, which is what the flags are for.</summary>
public sealed class CaTests : IAsyncLifetime
{
    private OperatedMesh _mesh = null!;

    public async ValueTask InitializeAsync()
    {
        _mesh = await OperatedMesh.StartAsync();
        await Eventually.TrueAsync(async () => (await CaAsync("status")).Code == 0, "the authority is recorded");
    }

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();

    [Fact]
    public async Task Status_NothingUnderWay_SaysWhoSigns()
    {
        var (code, output, error) = await CaAsync("status");

        (code, error).ShouldBe((0, ""));
        output.ShouldStartWith("steady: 1 root, 0 sidecars connected");
        output.ShouldContain(": signs");
        var json = JsonDocument.Parse((await CaAsync("status -o json")).Output).RootElement;
        (json.GetProperty("step").GetString(), json.GetProperty("canAbort").GetBoolean(), json.GetProperty("roots").GetArrayLength()).ShouldBe(("steady", false, 1));
        json.GetRawText().ShouldNotContain("PRIVATE");
    }

    [Fact]
    public async Task Rotate_TimeIsUp_GoesOnAndIsJoinedThenTakenBack()
    {
        await _mesh.SidecarAsync("orders");
        var before = Roots();

        var begun = await CaAsync("rotate --timeout 1s");
        begun.Code.ShouldBe(1);
        begun.Error.ShouldContain("it goes on by itself");
        Roots().Length.ShouldBe(2);
        var joined = await CaAsync("rotate --timeout 2s");
        joined.Output.ShouldStartWith("a rotation is under way already, watching it");
        joined.Output.ShouldContain("overlap: 1/1 sidecars have the next root");
        Roots().Length.ShouldBe(2, "it was joined, not begun again");

        var (code, output, _) = await CaAsync("rotate --abort");

        code.ShouldBe(0);
        output.ShouldContain("steady: 1 root");
        Roots().ShouldBe(before);
    }

    [Fact]
    public async Task Rotate_ForcedThroughBothSteps_SidecarHasTheNewRoot()
    {
        var sidecar = await _mesh.SidecarAsync("orders");
        var before = Roots();
        await CaAsync("rotate --timeout 1s");
        await Eventually.TrueAsync(() => sidecar.Identity.Current!.Bundle.Roots.Length == 2, "both roots");

        (await CaAsync("rotate --switch-now --timeout 1s")).Output.ShouldContain("retire: ");
        (await CaAsync("rotate --retire-now")).Code.ShouldBe(0);

        var root = Roots().ShouldHaveSingleItem();
        root.ShouldNotBe(before.Single());
        await Eventually.TrueAsync(() => sidecar.Identity.Current!.Bundle.Roots is [var one] && one.Subject == root && sidecar.Identity.Current.Context.TargetCertificate.Issuer == root, "the new root alone, and a certificate of it");
    }

    [Fact]
    public async Task Rotate_AuthorityOfTheUser_SignsWithIt()
    {
        var authority = new TestAuthority(TimeProvider.System, "CN=of the user");
        File.WriteAllText(_mesh.File("user.key"), authority.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(_mesh.File("user.pem"), authority.Public.ExportCertificatePem());

        await CaAsync($"rotate --key {_mesh.File("user.key")} --cert {_mesh.File("user.pem")} --timeout 1s");
        await CaAsync("rotate --switch-now --timeout 1s");

        (await CaAsync("rotate --retire-now")).Code.ShouldBe(0);
        Roots().ShouldBe(["CN=of the user"]);
    }

    [Theory]
    [InlineData("rotate --abort", 1, "there is nothing to take back")]
    [InlineData("rotate --switch-now", 1, "nothing waits for a switch")]
    [InlineData("rotate --retire-now", 1, "nothing waits to be retired")]
    [InlineData("rotate --abort --switch-now", 2, "--switch-now: not together with --abort")]
    [InlineData("rotate --key /dev/null", 2, "--cert: missing")]
    [InlineData("rotate --key /dev/null --cert /dev/null", 2, "/dev/null is empty")]
    [InlineData("rotate --key /etc/passwd --cert /etc/passwd", 1, "the key holds no private EC key")]
    [InlineData("rotate --timeout never", 2, "'never' is not a duration")]
    public async Task Rotate_CannotBe_SaysWhyAndChangesNothing(string line, int code, params string[] says)
    {
        var before = Roots();

        var result = await CaAsync(line);

        result.Code.ShouldBe(code, result.Error);
        says.ShouldContain(sentence => result.Error.Contains(sentence, StringComparison.Ordinal), result.Error);
        Roots().ShouldBe(before);
    }

    [Fact]
    public async Task Rotate_CallerIsAWorkload_IsRefused()
    {
        await _mesh.TokenAsync("shop", "orders", "orders.token");

        var result = await OperatedMesh.MeshctlAsync($"ca rotate {_mesh.Access.Replace("operator.token", "orders.token", StringComparison.Ordinal)}");

        result.Code.ShouldBe(1);
        result.Error.ShouldContain("who may not ask");
        Roots().Length.ShouldBe(1);
    }

    [Fact]
    public void Line_NamesOfSidecars_CannotCommandATerminal()
    {
        var status = new AuthorityStatus
        {
            Step = AuthorityStatus.Types.Step.Overlap, Sidecars = 40, WithRoots = 34, WithoutRoots = { "shop/\u001b[2J-1", "shop/b", "shop/c", "shop/d", "shop/e", "shop/f" }, Unheard = { "10.0.0.2:15012 (gone)" },
        };

        AuthorityView.Line(status).ShouldBe(
            "overlap: 34/40 sidecars have the next root (waiting for shop/ [2J-1, shop/b, shop/c, shop/d, shop/e and 1 more; replica 10.0.0.2:15012 (gone) does not answer)");
    }

    private Task<(int Code, string Output, string Error)> CaAsync(string line) => OperatedMesh.MeshctlAsync($"ca {line} {_mesh.Access}");

    private string[] Roots()
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(Path.Combine(_mesh.DataDirectory, "ca.pem"));
        return [.. certificates.Select(c => c.Subject)];
    }
}
