using System.Text;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>What the contract's cases share: a server, and a namespace of each case's own.</summary>
public abstract class ContractCase(ContractServer server) : IAsyncLifetime
{
    protected ContractServer Server => server;

    protected KubernetesClient Client => server.Client;

    protected string Ns { get; } = $"case-{Guid.NewGuid().ToString("N")[..10]}";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(server.WhyNot is not null, server.WhyNot ?? "");
        await Client.ApplyAsync(
            ResourceTypes.Namespaces,
            new ObjectKey(null, Ns),
            Utf8($$$"""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{{{Ns}}}", "labels": {"case": "{{{Ns}}}"}} }"""),
            new ApplyOptions("contract"));
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected static byte[] Utf8(string json) => Encoding.UTF8.GetBytes(json);

    protected static async Task<KubernetesException> RefusedAsync(Task request) => await Should.ThrowAsync<KubernetesException>(request);

    protected ObjectKey Key(string name) => new(Ns, name);

    protected ConfigMap NewMap(string name, params (string Key, string Value)[] data) => new()
    {
        Metadata = new ObjectMeta { Namespace = Ns, Name = name },
        Data = data.ToDictionary(d => d.Key, d => d.Value),
    };

    protected Task<ConfigMap> CreateMapAsync(string name, params (string Key, string Value)[] data) => Client.CreateAsync(ResourceTypes.ConfigMaps, NewMap(name, data));

    protected RawObject Widget(string name, string spec = "{}", string? status = null) => RawObject.Parse(
        $$"""{"apiVersion": "contract.meshlite.dev/v1", "kind": "Widget", "metadata": {"name": "{{name}}", "namespace": "{{Ns}}"}, "spec": {{spec}}{{(status is null ? "" : $", \"status\": {status}")}}}""");

    protected Task<RawObject> CreateWidgetAsync(string name, string spec = "{}", string? status = null) => Client.CreateAsync(ContractServer.Widgets, Widget(name, spec, status));

    protected Task<RawObject> ApplyAsync(string name, string rest, string manager, bool force = false) =>
        Client.ApplyAsync(ContractServer.Widgets, Key(name), ApplyBody(name, rest), new ApplyOptions(manager, force));

    protected Task<RawObject> ApplyStatusAsync(string name, string rest, string manager, bool force = false) =>
        Client.ApplyStatusAsync(ContractServer.Widgets, Key(name), ApplyBody(name, rest), new ApplyOptions(manager, force));

    protected static string? Text(RawObject o, params string[] path)
    {
        var node = o.Json;
        foreach (var part in path)
        {
            if (node.ValueKind != System.Text.Json.JsonValueKind.Object || !node.TryGetProperty(part, out node))
            {
                return null;
            }
        }

        return node.ToString();
    }

    private byte[] ApplyBody(string name, string rest) =>
        Utf8($$"""{"apiVersion": "contract.meshlite.dev/v1", "kind": "Widget", "metadata": {"name": "{{name}}", "namespace": "{{Ns}}"}, {{rest}}}""");
}
