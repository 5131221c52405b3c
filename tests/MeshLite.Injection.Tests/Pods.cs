using System.Text.Json.Nodes;

namespace MeshLite.Injection.Tests;

/// <summary>Pods to inject, and how.</summary>
internal static class Pods
{
    public static InjectionOptions Options { get; } = new()
    {
        Image = "meshlite/sidecar:0.1.0",
        ControlPlane = "https://meshlite-control-plane.meshlite-system.svc:15012",
        TrustBundlePem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        TokenAudience = "meshlite-control-plane",
        Version = "0.1.0",
    };

    public static PodNamespace Shop { get; } = new("shop", new Dictionary<string, string> { [MeshAnnotations.Inject] = "enabled" });

    /// <summary>A case's input.</summary>
    public static (JsonObject Pod, PodNamespace Namespace) Read(string json)
    {
        var input = JsonNode.Parse(json)!.AsObject();
        return (input.Object("pod")!, new PodNamespace("shop", input.Texts("namespaceLabels")));
    }

    /// <summary>A pod of one container, with annotations.</summary>
    public static JsonObject With(params (string Name, string Value)[] annotations) => new()
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = "orders-0",
            ["annotations"] = new JsonObject(annotations.Select(a => KeyValuePair.Create(a.Name, (JsonNode?)a.Value))),
        },
        ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "app", ["image"] = "app" }) },
    };

    /// <summary>A container of an injected pod.</summary>
    public static JsonObject Container(this JsonObject pod, string name) =>
        pod.Object("spec").Objects("initContainers").Concat(pod.Object("spec").Objects("containers")).Single(c => c.Text("name") == name);
}
