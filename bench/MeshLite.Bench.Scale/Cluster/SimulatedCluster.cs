using System.Text;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Bench.Scale.Cluster;

/// <summary>
/// A cluster of Services, EndpointSlices and injected Pods behind a real HTTPS API server in this process, and what happens in
/// it. One task changes it.
/// </summary>
internal sealed class SimulatedCluster : IAsyncDisposable
{
    /// <summary>Of everything.</summary>
    public const string Namespace = "scale";

    /// <summary>Service port, and port of the application.</summary>
    public const int ServicePort = 80;

    /// <inheritdoc cref="ServicePort"/>
    public const int PodPort = 8080;

    private const string SystemNamespace = "meshlite-system";

    private readonly FakeApiServer _api;
    private readonly SimulatedPod[][] _pods;

    private SimulatedCluster(FakeApiServer api, ScaleSettings settings)
    {
        _api = api;
        _pods = [.. Enumerable.Range(0, settings.Services).Select(s => Enumerable.Range(0, settings.PodsPerService)
            .Select(p => new SimulatedPod(s, p, (s * settings.PodsPerService) + p)).ToArray())];
    }

    /// <summary>All pods, those of different Services side by side.</summary>
    public IEnumerable<SimulatedPod> Pods => Enumerable.Range(0, _pods[0].Length).SelectMany(place => _pods.Select(p => p[place]));

    public static async Task<SimulatedCluster> StartAsync(ScaleSettings settings)
    {
        var cluster = new SimulatedCluster(await FakeApiServer.StartAsync(), settings);
        foreach (var ns in (string[])[Namespace, SystemNamespace])
        {
            cluster._api.Put(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = ns } });
        }

        for (var service = 0; service < settings.Services; service++)
        {
            cluster.PutService(service);
            foreach (var pod in cluster._pods[service])
            {
                cluster.PutPod(pod);
            }

            cluster.PutSlice(service);
        }

        return cluster;
    }

    /// <summary>What a transparent sidecar asks for: where its application's connections go.</summary>
    public static string AuthorityOf(int service) => $"{ClusterIp(service)}:{ServicePort}";

    /// <summary>Where the control plane finds the cluster.</summary>
    public string WriteKubeconfig(string path) => _api.WriteKubeconfig(path);

    /// <summary>PEM of the mesh's authority, once the control plane has made it: certificate and key.</summary>
    public (string Certificate, string Key) Authority()
    {
        var secret = _api.Find(ResourceTypes.Secrets, new ObjectKey(SystemNamespace, "meshlite-ca")) ?? throw new InvalidOperationException("the control plane has made no authority");
        return (Text("tls.crt"), Text("tls.key"));

        string Text(string name) => Encoding.UTF8.GetString(Convert.FromBase64String((string)secret["data"]![name]!));
    }

    /// <summary>The pod's endpoint begins or ceases to take calls.</summary>
    public void SetReady(SimulatedPod pod, bool ready)
    {
        pod.Ready = ready;
        PutSlice(pod.Service);
    }

    /// <summary>As a rolling restart does: the pod goes, another comes in its place, and the slice says so in one write.</summary>
    public void Replace(SimulatedPod pod)
    {
        _api.Delete(ResourceTypes.Pods, new ObjectKey(Namespace, pod.Name));
        pod.Replace();
        PutPod(pod);
        PutSlice(pod.Service);
    }

    /// <summary>Gives a Service a TrafficPolicy whose request timeout is <paramref name="seconds"/>.</summary>
    public void PutPolicy(int service, int seconds) => _api.Put(Parse($$"""
        {"apiVersion": "meshlite.dev/v1alpha1", "kind": "TrafficPolicy", "metadata": {"namespace": "{{Namespace}}", "name": "s{{service}}"},
         "spec": {"targetRef": {"kind": "Service", "name": "s{{service}}"}, "timeouts": {"request": "{{seconds}}s"} } }
        """));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _api.DisposeAsync();

    private static string ClusterIp(int service) => $"10.96.{service >> 8}.{service & 255}";

    private void PutService(int service) => _api.Put(Parse($$"""
        {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "{{Namespace}}", "name": "s{{service}}"},
         "spec": {"clusterIP": "{{ClusterIp(service)}}", "ports": [{"name": "http", "port": {{ServicePort}}, "targetPort": {{PodPort}} }]} }
        """));

    private void PutPod(SimulatedPod pod) => _api.Put(Parse($$"""
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "{{Namespace}}", "name": "{{pod.Name}}", "labels": {"app": "s{{pod.Service}}", "version": "v1"} },
         "spec": {"serviceAccountName": "s{{pod.Service}}", "containers": [{"name": "app"}, {"name": "meshlite-sidecar"}]},
         "status": {"phase": "Running", "podIP": "{{pod.Address}}", "podIPs": [{"ip": "{{pod.Address}}"}]} }
        """));

    private void PutSlice(int service)
    {
        var endpoints = _pods[service].Select(pod => $$"""
            {"addresses": ["{{pod.Address}}"], "conditions": {"ready": {{(pod.Ready ? "true" : "false")}} }, "targetRef": {"kind": "Pod", "namespace": "{{Namespace}}", "name": "{{pod.Name}}"} }
            """);
        _api.Put(Parse($$"""
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
             "metadata": {"namespace": "{{Namespace}}", "name": "s{{service}}-a", "labels": {"kubernetes.io/service-name": "s{{service}}"} },
             "addressType": "IPv4", "ports": [{"name": "http", "port": {{PodPort}}, "protocol": "TCP"}],
             "endpoints": [{{string.Join(',', endpoints)}}]}
            """));
    }

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
