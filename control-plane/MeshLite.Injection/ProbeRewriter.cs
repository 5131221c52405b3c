using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>
/// The kubelet has no certificate, so what it asks of the application it asks of the sidecar, which asks the application:
/// <c>httpGet</c>, <c>tcpSocket</c> and <c>grpc</c> of liveness, readiness and startup probes, and <c>httpGet</c> of lifecycle hooks, become
/// <c>httpGet :15020/probe/CONTAINER/KIND</c>, with all else of the probe left as it was. What <c>exec</c> runs inside the container, and what names another host, stays. Pure.
/// </summary>
internal static class ProbeRewriter
{
    private const string Path = "/probe/";

    private static readonly (string Field, string Kind)[] Probes = [("livenessProbe", "liveness"), ("readinessProbe", "readiness"), ("startupProbe", "startup")];

    private static readonly string[] Hooks = ["postStart", "preStop"];

    /// <summary>Rewrites a container's probes in place and adds what they were to <paramref name="originals"/>, by <c>CONTAINER/KIND</c>.</summary>
    public static void Rewrite(JsonObject container, JsonObject originals, List<string> warnings)
    {
        var name = container.Text("name") ?? "";
        foreach (var (field, kind) in Probes)
        {
            if (container.Object(field) is { } probe)
            {
                Rewrite(probe, $"{name}/{kind}", container, originals, warnings, ["httpGet", "tcpSocket", "grpc"]);
            }
        }

        foreach (var hook in Hooks)
        {
            if (container.Object("lifecycle").Object(hook) is { } handler)
            {
                Rewrite(handler, $"{name}/{hook}", container, originals, warnings, ["httpGet"]);
            }
        }
    }

    private static void Rewrite(JsonObject probe, string key, JsonObject container, JsonObject originals, List<string> warnings, string[] handlers)
    {
        if (Array.Find(handlers, handler => probe[handler] is JsonObject) is not { } found || IsElsewhere(probe.Object(found)!) || IsOurs(probe.Object(found)!))
        {
            return;
        }

        var handler = probe.Object(found)!;
        if (Port(handler, container) is not { } port)
        {
            warnings.Add($"probe {key} is left as it is: container {container.Text("name")} has no port '{handler["port"]}'");
            return;
        }

        var original = (JsonObject)handler.DeepClone();
        original["port"] = port;
        var entry = new JsonObject { [found] = original };
        if (probe.Number("timeoutSeconds") is { } timeout)
        {
            entry["timeoutSeconds"] = timeout;
        }

        originals[key] = entry;
        probe.Remove(found);
        probe["httpGet"] = new JsonObject { ["path"] = Path + key, ["port"] = SidecarContainers.TelemetryPort, ["scheme"] = "HTTP" };
    }

    private static bool IsElsewhere(JsonObject handler) => !string.IsNullOrEmpty(handler.Text("host"));

    private static bool IsOurs(JsonObject handler) =>
        handler.Number("port") == SidecarContainers.TelemetryPort && handler.Text("path")?.StartsWith(Path, StringComparison.Ordinal) == true;

    // As the kubelet does: by number, by the container's own port of that name, by a number written as text.
    private static int? Port(JsonObject handler, JsonObject container)
    {
        if (handler.Number("port") is { } number)
        {
            return number is > 0 and <= 65535 ? (int)number : null;
        }

        var text = handler.Text("port");
        var named = container.Objects("ports").FirstOrDefault(port => text is not null && port.Text("name") == text).Number("containerPort");
        return named is { } found ? (int)found
            : ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) && parsed > 0 ? parsed
            : null;
    }
}
