using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cli;

/// <summary>meshctl token rotate-key, with a control plane that runs on.</summary>
public sealed class RotateKeyTests : IAsyncLifetime
{
    private OperatedMesh _mesh = null!;

    public async ValueTask InitializeAsync() => _mesh = await OperatedMesh.StartAsync();

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();

    [Fact]
    public async Task RotateKey_ThenRetire_OldTokensEndOnlyThenAndTheControlPlaneFollows()
    {
        var old = JoinTokenKeys.LoadOrCreate(_mesh.DataDirectory).SigningId;

        var (code, output, error) = await OperatedMesh.MeshctlAsync($"token rotate-key --data-dir {_mesh.DataDirectory}");

        (code, error).ShouldBe((0, ""));
        var lines = output.Split('\n');
        lines[0].ShouldBe($"key {JoinTokenKeys.LoadOrCreate(_mesh.DataDirectory).SigningId} signs from now on");
        lines[1].ShouldMatch($@"^tokens of key {old} are good until \d{{4}}-.*Z; --retire ends them now$");
        (await OperatedMesh.MeshctlAsync($"status {_mesh.Access}")).Code.ShouldBe(0, "by the token of the old key");

        (await OperatedMesh.MeshctlAsync($"token rotate-key --data-dir {_mesh.DataDirectory} --retire")).ShouldBe((0, $"tokens of key {old} are refused from now on\n", ""));
        var refused = await OperatedMesh.MeshctlAsync($"status {_mesh.Access}");
        refused.Code.ShouldBe(1);
        refused.Error.ShouldContain("a key it has retired");

        await _mesh.TokenAsync("meshlite-system", "meshlite-operator", "operator.token");
        (await OperatedMesh.MeshctlAsync($"status {_mesh.Access}")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task RotateKey_RetireWithoutOlderKey_SaysSoAndExits1()
    {
        var (code, output, error) = await OperatedMesh.MeshctlAsync($"token rotate-key --data-dir {_mesh.DataDirectory} --retire");

        (code, output).ShouldBe((1, ""));
        error.ShouldContain("there is no older key to retire");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" --retire")]
    public async Task RotateKey_NoKeyThere_MakesNoneAndExits2(string option)
    {
        using var empty = new TestDirectory();

        var (code, _, error) = await OperatedMesh.MeshctlAsync($"token rotate-key --data-dir {empty.Path}{option}");

        code.ShouldBe(2);
        error.ShouldContain($"there is no join-token.key in {empty.Path}");
        Directory.GetFiles(empty.Path).ShouldBeEmpty();
    }
}
