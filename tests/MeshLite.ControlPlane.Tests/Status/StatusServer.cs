using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using MeshLite.ControlPlane.Tests.Crds;
using MeshLite.ControlPlane.Tests.Sources.Kubernetes;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Status;

/// <summary>A real API server with the kinds of <c>crds/</c>; control planes may do what <c>manifests/rbac.yaml</c> lets their service account do, and no more.</summary>
public sealed class RealStatusServer : RealClusterServer
{
    private readonly TestDirectory _files = new();

    /// <summary>The machine's own.</summary>
    public override IPAddress Address => Own ?? IPAddress.Loopback;

    public override string? WhyNot => base.WhyNot
        ?? (Own is null ? "this machine has no address but loopback" : File.Exists(Kubectl) ? null : $"no kubectl beside kube-apiserver: {Kubectl}");

    private static string Kubectl => Path.Combine(Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } set ? set : "/usr/local/kubebuilder/bin", "kubectl");

    private static IPAddress? Own => NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus == OperationalStatus.Up)
        .SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)
        .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a) && !a.ToString().StartsWith("169.254.", StringComparison.Ordinal));

    public override async Task PermitAsync(string systemNamespace)
    {
        var rbac = (await File.ReadAllTextAsync(Path.Combine(Crd.Root(), "manifests", "rbac.yaml")))
            .Replace("namespace: meshlite-system", $"namespace: {systemNamespace}", StringComparison.Ordinal)
            .Replace("kind: ClusterRoleBinding\nmetadata: {name: meshlite-control-plane}", $"kind: ClusterRoleBinding\nmetadata: {{name: {systemNamespace}}}", StringComparison.Ordinal);
        await ApplyAsync(rbac);
        var token = await IssueTokenAsync(systemNamespace, "meshlite-control-plane", "https://kubernetes.default.svc.cluster.local");
        var authority = Convert.ToBase64String(await File.ReadAllBytesAsync(Api.AuthorityFile));
        await File.WriteAllTextAsync(KubeconfigOf(systemNamespace), $$$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "{{{Api.Address}}}", certificate-authority-data: {{{authority}}} } }]
            users: [{name: u, user: {token: {{{token}}} } }]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            current-context: x
            """);
    }

    public override string KubeconfigOf(string systemNamespace) => _files[$"{systemNamespace}.kubeconfig"];

    /// <summary>As <c>kubectl apply -f -</c>.</summary>
    public async Task ApplyAsync(string yaml)
    {
        var start = new ProcessStartInfo(Kubectl, ["--kubeconfig", Api.Kubeconfig, "apply", "-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        using var kubectl = Process.Start(start)!;
        var said = Task.WhenAll(kubectl.StandardError.ReadToEndAsync(), kubectl.StandardOutput.ReadToEndAsync());
        await kubectl.StandardInput.WriteAsync(yaml);
        kubectl.StandardInput.Close();
        await kubectl.WaitForExitAsync();
        kubectl.ExitCode.ShouldBe(0, string.Join('\n', await said));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _files.Dispose();
    }

    protected override async Task DefineKindsAsync()
    {
        var crds = new StringBuilder();
        foreach (var file in Directory.GetFiles(Crd.Directory, "*.yaml").Where(f => Path.GetFileName(f) != "kustomization.yaml"))
        {
            crds.Append(await File.ReadAllTextAsync(file)).Append("\n---\n");
        }

        await ApplyAsync(crds.ToString());
    }
}
