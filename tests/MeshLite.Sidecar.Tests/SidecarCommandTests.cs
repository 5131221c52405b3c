using MeshLite.Hosting;

namespace MeshLite.Sidecar.Tests;

public sealed class SidecarCommandTests
{
    /// <summary>Whoever reaches the admin interface may use it.</summary>
    [Theory]
    [InlineData("0.0.0.0:15000")]
    [InlineData("[::]:15000")]
    [InlineData("10.0.0.1:15000")]
    [InlineData("[::ffff:10.0.0.1]:15000")]
    public async Task Admin_NotOnLoopback_IsAWrongOption(string address)
    {
        var (code, error) = await RunAsync(address);

        code.ShouldBe(CommandLineRunner.WrongOption);
        error.ShouldContain("--admin: ");
        error.ShouldContain("not on loopback");
    }

    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.9:15000")]
    [InlineData("[::1]:15000")]
    public async Task Admin_OnLoopback_IsGood(string address) => (await RunAsync(address)).Error.ShouldContain("--control-plane");

    private static async Task<(int Code, string Error)> RunAsync(string admin)
    {
        using var error = new StringWriter();
        var root = SidecarCommand.Create((_, _) => throw new InvalidOperationException("not to be started"));
        return (await CommandLineRunner.RunAsync(root, ["--admin", admin, "--state-dir", "none"], error), error.ToString());
    }
}
