using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;
using MeshLite.TestKit.Kubernetes.Real;

namespace MeshLite.ControlPlane.Tests.Sources.Kubernetes;

/// <summary>An API server that control planes are started beside: the fake always, a real one where it is installed. Shared by a class's tests, each in namespaces of its own.</summary>
public abstract class ClusterServer : IAsyncLifetime
{
    private static readonly Dictionary<string, ResourceType<RawObject>> Types = new ResourceType<RawObject>[]
    {
        ResourceTypes.Raw("", "v1", "services", "Service", true), ResourceTypes.Raw("", "v1", "pods", "Pod", true), ResourceTypes.Raw("", "v1", "namespaces", "Namespace", false),
        ResourceTypes.Raw("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true), ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficpolicies", "TrafficPolicy", true),
        ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficroutes", "TrafficRoute", true),
    }.ToDictionary(type => type.Kind);

    private readonly TestDirectory _files = new();
    private int _namespaces;

    public abstract string? WhyNot { get; }

    public abstract KubernetesClient Client { get; }

    public string Kubeconfig { get; private set; } = "";

    /// <summary>Where control planes listen; a real API server takes no loopback address in a slice.</summary>
    public virtual IPAddress Address => IPAddress.Loopback;

    /// <summary>Settles what a control plane in that namespace may do; here everything.</summary>
    public virtual Task PermitAsync(string systemNamespace) => Task.CompletedTask;

    /// <summary>How a control plane in that namespace reaches the API server; here as administrator.</summary>
    public virtual string KubeconfigOf(string systemNamespace) => Kubeconfig;

    public Task<RawObject> GetAsync(string kind, string? ns, string name) => Client.GetAsync(Types[kind], new ObjectKey(ns, name));

    public string NextNumber() => Interlocked.Increment(ref _namespaces).ToString(CultureInfo.InvariantCulture);

    public abstract Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience);

    /// <summary>Ends it, forgets all history, starts it again.</summary>
    public abstract Task RestartForgetfulAsync();

    public abstract Task StopAsync();

    public abstract Task StartAgainAsync();

    public abstract void Hang(bool on);

    public async ValueTask InitializeAsync()
    {
        if (WhyNot is null)
        {
            Kubeconfig = await StartAsync(_files["kubeconfig"]);
        }
    }

    public virtual ValueTask DisposeAsync()
    {
        _files.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Creates or changes what one YAML document says, status included.</summary>
    public async Task PutAsync(string yaml)
    {
        var json = ClusterCase.JsonOf(YamlReader.Read(yaml).Documents.Single())!.AsObject();
        var (type, key) = (Types[(string)json["kind"]!], new ObjectKey((string?)json["metadata"]!["namespace"], (string)json["metadata"]!["name"]!));
        json.Remove("status", out var status);
        await Client.ApplyAsync(type, key, Encoding.UTF8.GetBytes(json.ToJsonString()), new ApplyOptions("test", Force: true));
        if (status is not null)
        {
            var head = new JsonObject { ["apiVersion"] = json["apiVersion"]!.DeepClone(), ["kind"] = json["kind"]!.DeepClone(), ["metadata"] = new JsonObject { ["name"] = key.Name, ["namespace"] = key.Namespace }, ["status"] = status };
            await Client.ApplyStatusAsync(type, key, Encoding.UTF8.GetBytes(head.ToJsonString()), new ApplyOptions("test-status", Force: true));
        }
    }

    public Task DeleteAsync(string kind, string ns, string name) => Client.DeleteAsync(Types[kind], new ObjectKey(ns, name));

    protected abstract Task<string> StartAsync(string kubeconfig);
}

/// <summary>The fake.</summary>
public sealed class FakeClusterServer : ClusterServer
{
    private FakeApiServer _api = null!;

    public override string? WhyNot => null;

    public override KubernetesClient Client => _api.Client;

    public override Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience) => Task.FromResult(_api.IssueToken(ns, serviceAccount, audience));

    public override Task StopAsync() => _api.StopAsync();

    public override Task StartAgainAsync() => _api.RestartAsync();

    public override async Task RestartForgetfulAsync()
    {
        await _api.StopAsync();
        _api.Compact();
        await _api.RestartAsync();
    }

    public override void Hang(bool on)
    {
        if (on)
        {
            _api.Faults.Hang();
        }
        else
        {
            _api.Faults.Clear();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task<string> StartAsync(string kubeconfig)
    {
        _api = await FakeApiServer.StartAsync();
        return _api.WriteKubeconfig(kubeconfig);
    }
}

/// <summary>etcd and kube-apiserver, with kinds that take anything: what a schema refuses never gets as far as the reader.</summary>
public class RealClusterServer : ClusterServer
{
    private RealApiServer? _api;

    public override string? WhyNot => RealApiServer.WhyNot;

    public override KubernetesClient Client => _api!.Client;

    public override Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience) => _api!.IssueTokenAsync(ns, serviceAccount, audience);

    public override Task StopAsync() => _api!.StopApiServerAsync();

    public override Task StartAgainAsync() => _api!.StartApiServerAsync();

    public override async Task RestartForgetfulAsync()
    {
        await _api!.StopApiServerAsync();
        await _api.CompactAsync();
        await _api.StartApiServerAsync();
    }

    public override void Hang(bool on) => _api!.Hang(on);

    public override async ValueTask DisposeAsync()
    {
        await (_api?.DisposeAsync() ?? ValueTask.CompletedTask);
        await base.DisposeAsync();
    }

    protected override async Task<string> StartAsync(string kubeconfig)
    {
        _api = await RealApiServer.StartAsync();
        await DefineKindsAsync();
        await Eventually.TrueAsync(
            async () => await Client.FindAsync(ResourceTypes.Raw("meshlite.dev", "v1alpha1", "meshconfigs", "MeshConfig", false), new ObjectKey(null, "default")) is null, "kinds are served", TimeSpan.FromSeconds(60));
        return _api.Kubeconfig;
    }

    protected RealApiServer Api => _api!;

    protected virtual async Task DefineKindsAsync()
    {
        foreach (var (plural, kind, scope) in new[] { ("trafficroutes", "TrafficRoute", "Namespaced"), ("trafficpolicies", "TrafficPolicy", "Namespaced"), ("meshconfigs", "MeshConfig", "Cluster") })
        {
            await Client.CreateAsync(ResourceTypes.CustomResourceDefinitions, RawObject.Parse($$$"""
                {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "{{{plural}}}.meshlite.dev"},
                 "spec": {"group": "meshlite.dev", "scope": "{{{scope}}}", "names": {"plural": "{{{plural}}}", "kind": "{{{kind}}}"},
                  "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {} },
                   "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true} } }]} }
                """));
        }
    }
}
