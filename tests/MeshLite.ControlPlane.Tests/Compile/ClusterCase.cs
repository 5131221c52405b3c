using System.Text.Json;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Sources.Kubernetes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.ControlPlane.Tests.Compile;

/// <summary>Objects of Kubernetes, written in YAML, on the way they go from the API server: JSON, typed object, change of the index.</summary>
internal static class ClusterCase
{
    public static IndexChange Read(Node node)
    {
        var json = JsonOf(node)!.ToJsonString();
        switch ((string)JsonNode.Parse(json)!["kind"]!)
        {
            case "Service":
                var service = ClusterObjects.Read(Parse(json, ResourceTypes.Services));
                return new ResourceChange(service.Key, service, 0);
            case "Pod":
                var pod = ClusterObjects.Read(Parse(json, ResourceTypes.Pods));
                return new PodChange(pod.Key, pod, 0);
            case "EndpointSlice":
                var raw = Parse(json, ResourceTypes.EndpointSlices);
                return new SliceChange(new SliceKey(raw.Metadata.Namespace!, raw.Metadata.Name), ClusterObjects.Read(raw), 0);
            case "Namespace":
                var ns = ClusterObjects.Read(Parse(json, ResourceTypes.Namespaces));
                return new NamespaceChange(ns.Name, ns, 0);
            case var other:
                throw new ArgumentException($"no object of a cluster: {other}", nameof(node));
        }
    }

    /// <summary>The other way than JsonNodes goes.</summary>
    public static JsonNode? JsonOf(Node node) => node switch
    {
        MapNode map => new JsonObject(map.Fields.Select(f => KeyValuePair.Create(f.Name, JsonOf(f.Value)))),
        ListNode list => new JsonArray([.. list.Items.Select(JsonOf)]),
        ScalarNode { Kind: ScalarKind.Text } scalar => JsonValue.Create(scalar.Text),
        ScalarNode scalar => JsonNode.Parse(scalar.Text),
        _ => throw new ArgumentOutOfRangeException(nameof(node)),
    };

    private static T Parse<T>(string json, ResourceType<T> type)
        where T : class, IKubernetesObject => JsonSerializer.Deserialize(json, type.Json)!;
}
