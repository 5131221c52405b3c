using System.Collections.Immutable;
using System.Net;
using MeshLite.Cli;
using MeshLite.ControlPlane;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Hosting;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests.Cli;

/// <summary>The real control plane, standalone, with real sidecars of real applications, and meshctl as its operator; all in this process, on real sockets.</summary>
internal sealed class OperatedMesh : IAsyncDisposable
{
    private readonly TestDirectory _files = new();
    private readonly List<HttpApp> _apps = [];
    private readonly List<SidecarComponents> _sidecars = [];
    private ControlPlaneHost? _host;

    public string DataDirectory => _files["data"];

    /// <summary>Options by which meshctl asks as the operator.</summary>
    public string Access => $"--control-plane {_host!.GrpcEndPoint} --control-plane-ca {DataDirectory}/ca.pem --token-file {_files["operator.token"]}";

    public static async Task<OperatedMesh> StartAsync()
    {
        var mesh = new OperatedMesh();
        Directory.CreateDirectory(mesh._files["config"]);
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        mesh._host = await ControlPlaneHost.StartAsync(
            new ControlPlaneOptions { ConfigDirectory = mesh._files["config"], DataDirectory = mesh.DataDirectory, Grpc = any, Telemetry = any },
            TimeProvider.System, logging => logging.ClearProviders(), CancellationToken.None);
        await mesh.TokenAsync("meshlite-system", "meshlite-operator", "operator.token");
        return mesh;
    }

    public string File(string name) => _files[name];

    /// <summary>As deployment tools do: elsewhere, then moved into place.</summary>
    public void Save(string name, string yaml)
    {
        System.IO.File.WriteAllText(_files["new"], yaml);
        System.IO.File.Move(_files["new"], _files[$"config/{name}"], overwrite: true);
    }

    public async Task TokenAsync(string ns, string serviceAccount, string file) =>
        (await MeshctlAsync($"token create --data-dir {DataDirectory} --namespace {ns} --service-account {serviceAccount} --out {_files[file]}")).Code.ShouldBe(0);

    /// <summary>A sidecar of an application that serves a service; ready.</summary>
    public async Task<SidecarComponents> SidecarAsync(string service)
    {
        var app = await HttpApp.StartAsync(service);
        _apps.Add(app);
        await TokenAsync("shop", service, $"{service}.token");
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        var sidecar = SidecarComponents.Create(
            new SidecarOptions
            {
                ControlPlane = new Uri($"https://{_host!.GrpcEndPoint}"), ControlPlaneCa = Path.Combine(DataDirectory, "ca.pem"), TokenFile = _files[$"{service}.token"], Service = service,
                Workload = $"{service}-1", AppPort = app.Port, Labels = ImmutableSortedDictionary<string, string>.Empty, Inbound = any, Outbound = any, Admin = any, Telemetry = any,
                StateDir = _files[service], FirstAnswerTimeout = MeshFixture.FirstAnswerTimeout,
            },
            new LogLevels(LogLevel.Warning), TimeProvider.System, null);
        _sidecars.Add(sidecar);
        await sidecar.Server.StartAsync(sidecar.Kestrel, sidecar.Application);
        sidecar.Bind();
        sidecar.StartIdentity();
        sidecar.StartLoops();
        await MeshFixture.ReadyAsync(sidecar);
        return sidecar;
    }

    /// <summary>Runs meshctl to its end.</summary>
    public static async Task<(int Code, string Output, string Error)> MeshctlAsync(string line)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandLineRunner.RunAsync(MeshctlCommand.Create(TimeProvider.System, output, error), line.Split(' '), error);
        return (code, output.ToString(), error.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars)
        {
            await sidecar.Kestrel.StopAsync(new CancellationToken(canceled: true));
            await sidecar.DisposeAsync();
        }

        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await _host!.DisposeAsync();
        _files.Dispose();
    }
}
