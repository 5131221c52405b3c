using System.CommandLine;
using System.Net;
using MeshLite.Hosting;

namespace MeshLite.ControlPlane.Tests.Hosting;

public sealed class CommandLineRunnerTests
{
    private readonly StringWriter _error = new();
    private IPEndPoint? _seen;

    [Theory]
    [InlineData("--grpc 127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("--grpc [::1]:15012", "[::1]:15012")]
    [InlineData("", "0.0.0.0:15012")]
    public async Task RunAsync_GoodOption_Invokes(string line, string expected)
    {
        (await RunAsync(line)).ShouldBe(0);

        _seen!.ToString().ShouldBe(expected);
        _error.ToString().ShouldBe("");
    }

    [Theory]
    [InlineData("--grpc 15012", "'15012' is not ADDR:PORT")]
    [InlineData("--grpc 1:15012", "'1:15012' is not ADDR:PORT")]
    [InlineData("--grpc ::1:15012", "'::1:15012' is not ADDR:PORT")]
    [InlineData("--grpc localhost:15012", "is not ADDR:PORT")]
    [InlineData("--grpc 127.0.0.1:70000", "is not ADDR:PORT")]
    [InlineData("--grpc", "--grpc")]
    [InlineData("--nonsense", "--nonsense")]
    [InlineData("--grpc 127.0.0.1:1 --grpc 127.0.0.1:2", "--grpc")]
    public async Task RunAsync_WrongOption_OneLineAndExitCode2(string line, string says)
    {
        (await RunAsync(line)).ShouldBe(2);

        var text = _error.ToString();
        text.ShouldContain(says);
        text.TrimEnd('\n').ShouldNotContain("\n");
        _seen.ShouldBeNull();
    }

    [Fact]
    public async Task RunAsync_StartupException_ItsLineAndCode()
    {
        var root = new RootCommand();
        root.SetAction((_, _) => throw StartupException.WrongOption("--config-dir", "no directory\nthere"));

        (await CommandLineRunner.RunAsync(root, [], _error)).ShouldBe(2);

        _error.ToString().ShouldEndWith("--config-dir: no directory there\n");
    }

    [Fact]
    public async Task RunAsync_VariableSet_IsTheDefault()
    {
        (await RunAsync("", "10.0.0.1:7")).ShouldBe(0);
        _seen!.ToString().ShouldBe("10.0.0.1:7");

        (await RunAsync("--grpc 10.0.0.2:8", "10.0.0.1:7")).ShouldBe(0);
        _seen.ToString().ShouldBe("10.0.0.2:8");
    }

    [Fact]
    public async Task RunAsync_VariableWrong_NamesTheVariable()
    {
        (await RunAsync("", "nowhere")).ShouldBe(2);

        _error.ToString().ShouldContain("MESHLITE_GRPC: --grpc: 'nowhere' is not ADDR:PORT");
    }

    private Task<int> RunAsync(string line, string? variable = null)
    {
        var option = CommonOptions.EndPoint("--grpc", new IPEndPoint(IPAddress.Any, 15012), "where sidecars connect")
            .FromEnvironment(name => name == "MESHLITE_GRPC" ? variable : null);
        var root = new RootCommand { option };
        root.SetAction((parsed, _) =>
        {
            _seen = parsed.GetValue(option);
            return Task.FromResult(0);
        });
        return CommandLineRunner.RunAsync(root, line.Split(' ', StringSplitOptions.RemoveEmptyEntries), _error);
    }
}
