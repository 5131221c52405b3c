using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Bench.Pairs;

/// <summary>
/// Two sidecars as users run them, everything on, under a control plane with mTLS Strict and a route with a match. The
/// control plane's CPU does not count: it is no part of a request.
/// </summary>
internal sealed class MeshLitePair(BenchEnvironment environment) : IProxyPair
{
    private const string Configuration = """
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec:
          mtls: {mode: Strict}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: backend, namespace: bench}
        spec:
          parentRefs: [{kind: Service, name: backend}]
          rules:
          - matches: [{path: {type: PathPrefix, value: /}}]
            backendRefs: [{name: backend}]

        """;

    public string Name => "meshlite";

    public string Description => "HTTP/2 over mTLS, all cores";

    public string? Missing
    {
        get
        {
            try
            {
                _ = MeshPrograms.Find();
                return null;
            }
            catch (ProcessFailedException e)
            {
                return e.Message;
            }
        }
    }

    public IReadOnlyList<ManagedProcess> Proxies { get; private set; } = [];

    public async Task<Uri> StartAsync(Uri backend)
    {
        var mesh = new MeshProcesses(MeshPrograms.Find(), environment.Launcher, Path.Combine(environment.Directory, "mesh"));
        mesh.Save("bench.yaml", Configuration);
        var controlPlane = mesh.ControlPlane();
        await controlPlane.StartAsync();
        var server = mesh.Sidecar(new SidecarSpec { Name = "server", Service = "backend", Namespace = "bench", AppPort = backend.Port }, controlPlane);
        var client = mesh.Sidecar(new SidecarSpec { Name = "client", Namespace = "bench" }, controlPlane);
        await Task.WhenAll(server.StartAsync(), client.StartAsync());
        Proxies = [client.Process, server.Process];
        return new Uri($"http://{client.Outbound}/");
    }
}
