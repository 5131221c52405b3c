using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>
/// Puts a sidecar into a pod (design.md §6). Pure, and done twice it does nothing more: what is injected already keeps its containers, and only probes that
/// somebody added since are rewritten (a webhook that is asked again). Works on pods and on templates of pods alike.
/// </summary>
public static class PodInjector
{
    private static readonly string[] ContainerLists = ["initContainers", "containers"];

    // A person reads it, in no web page.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The pod with its sidecar, or why not. <paramref name="pod"/> is not changed.</summary>
    public static InjectionResult Inject(JsonObject pod, PodNamespace ns, InjectionOptions options)
    {
        if (InjectionRule.WhyNot(pod, ns, out var refusal) is { } why)
        {
            return InjectionResult.Unchanged(why);
        }

        var warnings = new List<string>();
        var metadata = pod.Object("metadata");
        var settings = refusal is null ? PodSettings.Read(metadata.Texts("annotations"), warnings, out refusal) : null;
        refusal ??= UserTaken(pod.Object("spec")) ?? NameTaken(pod.Object("spec"));
        if (settings is null || refusal is not null)
        {
            return InjectionResult.Refused($"{Describe(metadata, ns)} can't be in the mesh: {refusal}");
        }

        var injected = (JsonObject)pod.DeepClone();
        var changed = InjectInto(injected, settings, options, warnings);
        return changed
            ? InjectionResult.Injected(injected, warnings)
            : InjectionResult.Unchanged($"it is injected already (annotation {MeshAnnotations.Status})");
    }

    private static bool InjectInto(JsonObject pod, PodSettings settings, InjectionOptions options, List<string> warnings)
    {
        var spec = pod.Made("spec");
        var init = spec.MadeList("initContainers");
        var sidecar = init.OfType<JsonObject>().FirstOrDefault(container => container.Text("name") == SidecarContainers.Sidecar);
        var isNew = sidecar is null;
        if (sidecar is null)
        {
            sidecar = SidecarContainers.SidecarContainer(options, settings);
            init.Insert(0, SidecarContainers.CaptureContainer(options, settings));
            init.Insert(1, sidecar);
            var volumes = spec.MadeList("volumes");
            foreach (var volume in SidecarContainers.Volumes(options))
            {
                volumes.Add(volume);
            }

            var annotations = pod.Made("metadata").Made("annotations");
            annotations[MeshAnnotations.Status] = $$"""{"version":"{{JsonEncodedText.Encode(options.Version)}}"}""";
            annotations[MeshAnnotations.TrustBundle] = options.TrustBundlePem;
            if (MetricsRewriter.Rewrite(annotations, spec.Objects("containers"), warnings) is { } metrics)
            {
                sidecar.MadeList("env").Add(SidecarContainers.Variable(SidecarContainers.AppMetricsVariable, metrics));
            }
        }

        return RewriteProbes(spec, sidecar, warnings) || isNew;
    }

    private static bool RewriteProbes(JsonObject spec, JsonObject sidecar, List<string> warnings)
    {
        var before = SidecarContainers.ValueOf(sidecar, SidecarContainers.ProbesVariable);
        var originals = before is null ? [] : JsonNode.Parse(before) as JsonObject ?? [];
        var count = originals.Count;
        foreach (var container in ContainerLists.SelectMany(list => spec.Objects(list)).Where(container => !SidecarContainers.IsOurs(container.Text("name"))))
        {
            ProbeRewriter.Rewrite(container, originals, warnings);
        }

        if (originals.Count == count)
        {
            return false;
        }

        var environment = sidecar.MadeList("env");
        if (environment.OfType<JsonObject>().FirstOrDefault(variable => variable.Text("name") == SidecarContainers.ProbesVariable) is { } old)
        {
            environment.Remove(old);
        }

        environment.Add(SidecarContainers.Variable(SidecarContainers.ProbesVariable, originals.ToJsonString(Readable)));
        return true;
    }

    // What that user sends is not captured: such a container would call, and answer, past the mesh.
    private static string? UserTaken(JsonObject? spec)
    {
        var ofPod = spec.Object("securityContext").Number("runAsUser");
        var container = ContainerLists.SelectMany(list => spec.Objects(list)).Where(c => !SidecarContainers.IsOurs(c.Text("name")))
            .FirstOrDefault(c => (c.Object("securityContext").Number("runAsUser") ?? ofPod) == SidecarContainers.Uid);
        return container is null ? null
            : $"container {container.Text("name")} runs as uid {SidecarContainers.Uid} (securityContext.runAsUser), which is the sidecar's: what that user sends is not captured. Give it another";
    }

    // A container of ours where we would not put it is somebody's own.
    private static string? NameTaken(JsonObject? spec) =>
        spec.Objects("containers").FirstOrDefault(c => SidecarContainers.IsOurs(c.Text("name"))) is { } container
            ? $"its container {container.Text("name")} has a name that injection uses. Give it another"
            : null;

    private static string Describe(JsonObject? metadata, PodNamespace ns) =>
        metadata.Text("name") is { Length: > 0 } name ? $"pod {ns.Name}/{name}"
        : metadata.Text("generateName") is { Length: > 0 } prefix ? $"pod {ns.Name}/{prefix}*"
        : $"a pod of namespace {ns.Name}";
}
