using System.Reflection;
using MeshLite.Cli;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cli;

public sealed class MeshctlTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly TestDirectory _directory = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    private string Good => $"token create --data-dir {_directory["data"]} --namespace shop --service-account orders";

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task TokenCreate_NoKeyYet_MakesItAndSaysSo()
    {
        (await RunAsync(Good)).ShouldBe(0);

        _error.ToString().ShouldContain($"made a new key in {_directory["data"]}");
        Verify(_output.ToString().Trim()).ShouldBe(new JoinTokenResult("shop", "orders", JoinTokenFailure.None));
        _time.Advance(TimeSpan.FromHours(24));
        Verify(_output.ToString().Trim()).Failure.ShouldBe(JoinTokenFailure.Expired);
    }

    [Fact]
    public async Task TokenCreate_KeyThere_PrintsTheTokenAndNothingElse()
    {
        JoinTokenKey.LoadOrCreate(_directory["data"]).Dispose();

        (await RunAsync(Good + " --ttl 1h30m")).ShouldBe(0);

        _error.ToString().ShouldBe("");
        _output.ToString().ShouldMatch(@"^[\w-]+\.[\w-]+\.[\w-]+\n$");
        _time.Advance(TimeSpan.FromMinutes(89));
        Verify(_output.ToString().Trim()).Failure.ShouldBe(JoinTokenFailure.None);
        _time.Advance(TimeSpan.FromMinutes(1));
        Verify(_output.ToString().Trim()).Failure.ShouldBe(JoinTokenFailure.Expired);
    }

    [Fact]
    public async Task TokenCreate_Out_WritesAFileForTheOwnerOnly()
    {
        File.WriteAllText(_directory["token"], "older, readable by all");

        (await RunAsync($"{Good} --out {_directory["token"]}")).ShouldBe(0);

        _output.ToString().ShouldBe("");
        Verify(File.ReadAllText(_directory["token"]).Trim()).Failure.ShouldBe(JoinTokenFailure.None);
        File.GetUnixFileMode(_directory["token"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Theory]
    [InlineData("token create --namespace shop --service-account orders", "--data-dir")]
    [InlineData("token create --data-dir DATA --service-account orders", "--namespace")]
    [InlineData("token create --data-dir DATA --namespace shop", "--service-account")]
    [InlineData("token create --data-dir DATA --namespace Shop --service-account orders", "'Shop' is not a Kubernetes name")]
    [InlineData("token create --data-dir DATA --namespace shop --service-account a/b", "'a/b' is not a Kubernetes name")]
    [InlineData("token create --data-dir DATA --namespace shop --service-account orders --ttl 5x", "'5x' is not a duration")]
    [InlineData("token create --data-dir DATA --namespace shop --service-account orders --ttl 0s", "'0s' is not a duration")]
    [InlineData("token create --data-dir DATA --namespace shop --service-account orders --out DATA/no/token", "there is no directory for")]
    [InlineData("token create --data-dir BAD --namespace shop --service-account orders", "holds no private EC key")]
    [InlineData("token create --data-dir DATA --namespace shop --service-account orders --nonsense", "--nonsense")]
    [InlineData("token nonsense", "nonsense")]
    [InlineData("nonsense", "nonsense")]
    public async Task Run_WrongOption_OneLineAndExitCode2(string line, string says)
    {
        JoinTokenKey.LoadOrCreate(_directory["data"]).Dispose();
        Directory.CreateDirectory(_directory["bad"]);
        File.WriteAllText(_directory["bad/join-token.key"], "garbage");

        var code = await RunAsync(line.Replace("DATA", _directory["data"], StringComparison.Ordinal).Replace("BAD", _directory["bad"], StringComparison.Ordinal));

        code.ShouldBe(2);
        _output.ToString().ShouldBe("");
        _error.ToString().ShouldContain(says);
        _error.ToString().TrimEnd('\n').ShouldNotContain("\n");
    }

    [Fact]
    public async Task Version_PrintsIt()
    {
        (await RunAsync("version")).ShouldBe(0);

        _output.ToString().Trim().ShouldBe(
            typeof(MeshctlCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);
    }

    private JoinTokenResult Verify(string token)
    {
        using var key = JoinTokenKey.LoadOrCreate(_directory["data"]);
        return JoinToken.Verify(key, token, _time);
    }

    private Task<int> RunAsync(string line) =>
        CommandLineRunner.RunAsync(MeshctlCommand.Create(_time, _output, _error), line.Split(' '), _error);
}
