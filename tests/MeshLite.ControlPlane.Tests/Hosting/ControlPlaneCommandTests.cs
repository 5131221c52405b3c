using MeshLite.ControlPlane.Sources;
using MeshLite.Hosting;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Hosting;

public sealed class ControlPlaneCommandTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Bind_Kubeconfig_IsACluster()
    {
        File.WriteAllText(_directory["kubeconfig"], "");

        var options = Bind("--kubeconfig", _directory["kubeconfig"], "--namespace", "mesh");

        options.Cluster.ShouldBe(new ClusterOptions { Kubeconfig = _directory["kubeconfig"], Namespace = "mesh" });
    }

    [Fact]
    public void Bind_Directories_AreStandalone()
    {
        var options = Bind("--config-dir", _directory.Path, "--data-dir", _directory.Path);

        options.Cluster.ShouldBeNull();
        options.ConfigDirectory.ShouldBe(_directory.Path);
    }

    [Theory]
    [InlineData("--config-dir: is required")]
    [InlineData("--data-dir: is required", "--config-dir", ".")]
    [InlineData("--config-dir: there is no directory '/nowhere'", "--config-dir", "/nowhere", "--data-dir", ".")]
    [InlineData("--kubeconfig: there is no file '/nowhere'", "--kubeconfig", "/nowhere")]
    [InlineData("--kubeconfig: does not go with --config-dir", "--config-dir", ".", "--data-dir", ".", "--kubeconfig", "/dev/null")]
    [InlineData("--namespace: says something only in a cluster", "--config-dir", ".", "--data-dir", ".", "--namespace", "mesh")]
    [InlineData("--data-dir: says nothing in a cluster", "--kubeconfig", "/dev/null", "--data-dir", ".")]
    [InlineData("--namespace: 'Not A Name' is not", "--kubeconfig", "/dev/null", "--namespace", "Not A Name")]
    public void Bind_WrongOptions_OneClearSentence(string message, params string[] args) =>
        Should.Throw<StartupException>(() => Bind(args)).Message.ShouldStartWith(message);

    [Fact]
    public void ServiceNames_AreThoseOfTheServiceInFront() => ClusterSources.ServiceNames("mesh").ShouldBe(
        ["meshlite-control-plane.mesh", "meshlite-control-plane.mesh.svc", "meshlite-control-plane.mesh.svc.cluster.local"]);

    private static ControlPlaneOptions Bind(params string[] args)
    {
        ControlPlaneOptions? bound = null;
        var command = ControlPlaneCommand.Create((options, _) =>
        {
            bound = options;
            return Task.FromResult(0);
        });
        command.Parse(args).Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return bound!;
    }
}
