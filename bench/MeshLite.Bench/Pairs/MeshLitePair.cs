using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Bench.Pairs;

/// <summary>
/// Two sidecars as users run them, everything on, under a control plane: mTLS Strict, metrics, 1 % tracing to a collector, a
/// route with a match, timeouts and retries, both circuit breakers and the retry budget, an AuthorizationPolicy that lets the
/// client in and nobody else. The control plane's CPU does not
/// count: it is no part of a request. gRPC goes to a service of its own, with its own sidecar.
/// </summary>
/// <param name="environment">The run's.</param>
/// <param name="name">What the results call it.</param>
/// <param name="programs">The directory of its programs: this build's, or another's to compare with.</param>
internal sealed class MeshLitePair(BenchEnvironment environment, string name, string programs) : IProxyPair
{
    private readonly List<ManagedProcess> _started = [];
    private int _meshes;

    public string Name => name;

    public string Description => "HTTP/2 over mTLS, all cores";

    public string? Missing
    {
        get
        {
            try
            {
                _ = MeshPrograms.Find(programs);
                return null;
            }
            catch (ProcessFailedException e)
            {
                return e.Message;
            }
        }
    }

    public async Task<PairEntries> StartAsync(Backends backends)
    {
        // Each start is a new mesh: nothing of an earlier one is remembered.
        var mesh = new MeshProcesses(MeshPrograms.Find(programs), environment.Launcher, Path.Combine(environment.Directory, $"{name}-{++_meshes}"));
        mesh.Save("mesh.yaml", Mesh(backends.Collector));
        mesh.Save("backend.yaml", Policies("backend"));
        mesh.Save("grpc.yaml", Policies("grpc"));
        var controlPlane = mesh.ControlPlane();
        await controlPlane.StartAsync();
        _started.Add(controlPlane.Process);
        var http = mesh.Sidecar(new SidecarSpec { Name = "server", Service = "backend", Namespace = "bench", AppPort = backends.Http.Port }, controlPlane);
        var grpc = mesh.Sidecar(new SidecarSpec { Name = "grpc", Service = "grpc", Namespace = "bench", AppPort = backends.Grpc.Port }, controlPlane);
        var client = mesh.Sidecar(new SidecarSpec { Name = "client", Namespace = "bench" }, controlPlane);
        await Task.WhenAll(http.StartAsync(), grpc.StartAsync(), client.StartAsync());
        _started.AddRange([http.Process, grpc.Process, client.Process]);
        var address = new Uri($"http://{client.Outbound}/");
        return new(new(address, "backend", [client.Process, http.Process]), new(address, "grpc", [client.Process, grpc.Process]));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _started)
        {
            await process.DisposeAsync();
        }
    }

    private static string Mesh(Uri collector) => $$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec:
          mtls: {mode: Strict}
          tracing: {endpoint: "{{collector.GetLeftPart(UriPartial.Authority)}}", samplingPercent: 1}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: AuthorizationPolicy
        metadata: {name: callers, namespace: bench}
        spec:
          action: Allow
          rules:
          - from: {principals: ["spiffe://cluster.local/ns/bench/sa/client"]}
            to: {methods: [GET, POST], paths: ["/*"]}

        """;

    private static string Policies(string service) => $$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: {{service}}, namespace: bench}
        spec:
          parentRefs: [{kind: Service, name: {{service}} }]
          rules:
          - matches:
            - path: {type: PathPrefix, value: /}
            timeouts: {request: 10s, backendRequest: 5s}
            retry: {attempts: 2, codes: [502, 503, 504]}
            backendRefs: [{name: {{service}} }]
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: {{service}}, namespace: bench}
        spec:
          targetRef: {kind: Service, name: {{service}} }
          retryBudget: {percent: 20, minPerSecond: 10, interval: 10s}
          circuitBreaker:
            endpoint: {}
            destination: {}

        """;
}
