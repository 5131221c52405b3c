using MeshLite.Kubernetes.Connection;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit.Kubernetes;
using MeshLite.TestKit.Kubernetes.Real;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>A server that the contract is held against: the fake always, a real one where it is installed.</summary>
public abstract class ContractServer : IAsyncLifetime
{
    /// <summary>A kind of a CRD: any spec, and a status with conditions.</summary>
    public static readonly ResourceType<RawObject> Widgets = ResourceTypes.Raw("contract.meshlite.dev", "v1", "widgets", "Widget", isNamespaced: true);

    public abstract string? WhyNot { get; }

    public abstract ClusterConnection Connection { get; }

    public KubernetesClient Client { get; private set; } = null!;

    public abstract Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience);

    public async ValueTask InitializeAsync()
    {
        if (WhyNot is null)
        {
            await StartAsync();
            Client = new KubernetesClient(Connection);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await StopAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract Task StartAsync();

    protected abstract Task StopAsync();
}

/// <summary>The fake.</summary>
public sealed class FakeContractServer : ContractServer
{
    private FakeApiServer? _server;

    public override string? WhyNot => null;

    public override ClusterConnection Connection => _server!.Connection;

    public override Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience) => Task.FromResult(_server!.IssueToken(ns, serviceAccount, audience));

    protected override async Task StartAsync()
    {
        _server = await FakeApiServer.StartAsync();
        _server.Define(Widgets);
    }

    protected override Task StopAsync() => _server?.DisposeAsync().AsTask() ?? Task.CompletedTask;
}

/// <summary>etcd and kube-apiserver.</summary>
public sealed class RealContractServer : ContractServer
{
    private const string Definition = """
        {
          "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.contract.meshlite.dev"},
          "spec": {
            "group": "contract.meshlite.dev", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{
              "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
              "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                  "conditions": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                    "items": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}, "status": {"type": "string"}, "reason": {"type": "string"}}}}}}
              }}}
            }]
          }
        }
        """;

    private RealApiServer? _server;

    public override string? WhyNot => RealApiServer.WhyNot;

    public override ClusterConnection Connection => _server!.Connection;

    public override Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience) => _server!.IssueTokenAsync(ns, serviceAccount, audience);

    protected override async Task StartAsync()
    {
        _server = await RealApiServer.StartAsync();
        await _server.Client.CreateAsync(ResourceTypes.CustomResourceDefinitions, RawObject.Parse(Definition));
        await TestKit.Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await _server.Client.ListAsync(Widgets);
                    return true;
                }
                catch (KubernetesException error) when (error.Reason is KubernetesReason.NotFound or KubernetesReason.ServerError or KubernetesReason.TooManyRequests)
                {
                    return false;
                }
            },
            "the kind is served",
            TimeSpan.FromSeconds(60));
    }

    protected override Task StopAsync() => _server?.DisposeAsync().AsTask() ?? Task.CompletedTask;
}
