using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.Cli.Inject;

/// <summary>Finds pods in an object of Kubernetes: itself, or the template it makes them of. Pure.</summary>
internal static class PodTemplates
{
    private static readonly string[] Template = ["spec", "template"];
    private static readonly string[] CronTemplate = ["spec", "jobTemplate", "spec", "template"];

    /// <summary>Each pod or template, with what it belongs to and that one's namespace.</summary>
    public static IEnumerable<(JsonObject Pod, string Owner, string Namespace)> In(JsonObject document)
    {
        var kind = Text(document["kind"]);
        if (kind == "List")
        {
            return document["items"] is JsonArray items ? items.OfType<JsonObject>().SelectMany(In) : [];
        }

        string[]? path = kind switch
        {
            "Pod" => [],
            "Deployment" or "StatefulSet" or "DaemonSet" or "ReplicaSet" or "ReplicationController" or "Job" => Template,
            "CronJob" => CronTemplate,
            _ => null,
        };
        JsonNode? found = document;
        foreach (var field in path ?? [])
        {
            found = (found as JsonObject)?[field];
        }

        if (path is null || found is not JsonObject pod)
        {
            return [];
        }

        var metadata = document["metadata"] as JsonObject;
        return [(pod, $"{kind} {Text(metadata?["name"])}", Text(metadata?["namespace"]) is { Length: > 0 } ns ? ns : "default")];
    }

    private static string Text(JsonNode? json) => json?.GetValueKind() == JsonValueKind.String ? json.GetValue<string>() : "";
}
