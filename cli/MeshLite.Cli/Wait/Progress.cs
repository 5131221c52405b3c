using System.Text.Json;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Cli.Wait;

/// <summary>How far an object is on its way to the sidecars.</summary>
/// <param name="Line">For people.</param>
/// <param name="IsProgrammed">All sidecars that use it have the version that is stored.</param>
/// <param name="IsHopeless">It will not get there unless somebody changes it.</param>
internal readonly record struct Progress(string Line, bool IsProgrammed, bool IsHopeless)
{
    /// <summary>By its status; one of an earlier version of its spec says nothing of this.</summary>
    public static Progress Of(RawObject item)
    {
        var generation = item.Metadata.Generation ?? 0;
        var status = item.Json.TryGetProperty("status", out var found) ? found : default;
        var observed = Find(status, "observedGeneration") is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : 0;
        if (observed != generation)
        {
            return new($"the control plane has yet to see generation {generation}{(observed > 0 ? $" (its status is of {observed})" : "")}", false, false);
        }

        var (accepted, programmed) = (Condition(status, "Accepted"), Condition(status, "Programmed"));
        if (accepted.Status == "False")
        {
            // Anything else may come right by itself: a Service appears, an older policy goes.
            return new($"not accepted: {accepted.Reason}: {accepted.Message}", false, accepted.Reason == "Invalid");
        }

        return programmed.Status == "True" ? new($"programmed: {programmed.Message}", true, false)
            : new(programmed.Reason.Length == 0 ? "the status does not say" : programmed.Reason == "Pending" ? programmed.Message : $"{programmed.Reason}: {programmed.Message}", false, false);
    }

    private static (string Status, string Reason, string Message) Condition(JsonElement status, string type)
    {
        var conditions = Find(status, "conditions") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default;
        var condition = conditions.FirstOrDefault(c => Text(c, "type") == type);
        return (Text(condition, "status"), Text(condition, "reason"), Text(condition, "message"));
    }

    private static string Text(JsonElement json, string name) => Find(json, name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    private static JsonElement Find(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) ? value : default;
}
