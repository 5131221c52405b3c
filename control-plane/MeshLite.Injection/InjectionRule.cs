using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>Whether a pod gets a sidecar: what it is comes first, then what it says itself, then its namespace. Pure.</summary>
internal static class InjectionRule
{
    private const string MirrorAnnotation = "kubernetes.io/config.mirror";
    private const string OsLabel = "kubernetes.io/os";

    /// <summary>Null: it gets one; else why not. <paramref name="refusal"/>: what it says can't be understood.</summary>
    public static string? WhyNot(JsonObject pod, PodNamespace ns, out string? refusal)
    {
        refusal = null;
        var (metadata, spec) = (pod.Object("metadata"), pod.Object("spec"));
        if (spec.IsTrue("hostNetwork"))
        {
            return "it is on its node's network, which is not the mesh's to capture";
        }

        if (metadata.Texts("annotations").ContainsKey(MirrorAnnotation))
        {
            return "it mirrors a static pod of its node";
        }

        if (spec.Object("os").Text("name") is { } os ? os == "windows" : spec.Texts("nodeSelector").GetValueOrDefault(OsLabel) == "windows")
        {
            return "it runs on Windows";
        }

        foreach (var (where, values) in new (string, IReadOnlyDictionary<string, string>)[]
        {
            ("the pod's label", metadata.Texts("labels")),
            ("the pod's annotation", metadata.Texts("annotations")),
            ($"the label of namespace {ns.Name}", ns.Labels),
        })
        {
            switch (values.GetValueOrDefault(MeshAnnotations.Inject))
            {
                case null:
                    continue;
                case "enabled" or "true":
                    return null;
                case "disabled" or "false":
                    return $"{where} {MeshAnnotations.Inject} says so";
                case var other:
                    refusal = $"{where} {MeshAnnotations.Inject}: '{other}' is none of enabled, disabled";
                    return null;
            }
        }

        return $"neither it nor namespace {ns.Name} has {MeshAnnotations.Inject}: enabled";
    }
}
