using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MeshLite.Processes;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// One of our containers of an injected pod, as a process in the pod's namespace: its arguments, variables, user, capabilities and mounts as its
/// specification has them. Not as a container has it: the root file system may be written.
/// </summary>
internal static partial class ContainerProcess
{
    /// <summary>The program in the image.</summary>
    public const string Image = "/usr/bin/meshlite-sidecar";

    /// <summary>Starts it. <paramref name="field"/>: the downward API; <paramref name="volume"/>: a volume's directory by its name; <paramref name="more"/>: variables that the specification does not have.</summary>
    public static ManagedProcess Start(
        Pod pod, JsonObject container, string program, Func<string, string> field, Func<string, string> volume, IReadOnlyDictionary<string, string>? more = null)
    {
        var variables = new Dictionary<string, string>(more ?? new Dictionary<string, string>());
        foreach (var variable in container["env"] as JsonArray ?? [])
        {
            variables[variable!["name"]!.GetValue<string>()] = variable["value"] is { } value
                ? Expand(value.GetValue<string>(), variables)
                : field(variable["valueFrom"]!["fieldRef"]!["fieldPath"]!.GetValue<string>());
        }

        var mounts = (container["volumeMounts"] as JsonArray ?? []).Select(m => (Path: m!["mountPath"]!.GetValue<string>(), Directory: volume(m["name"]!.GetValue<string>())));
        // ip netns exec gives each call a mount namespace of its own: what is mounted here is seen by this program only.
        var script = "mount -t tmpfs -o mode=755 tmpfs /run\n" + string.Concat(mounts.Select(m => $"mkdir -p {m.Path}\nmount --bind {m.Directory} {m.Path}\n")) + "exec \"$@\"\n";
        var arguments = container["args"]!.AsArray().Select(argument => Expand(argument!.GetValue<string>(), variables));
        string[] command = ["-ec", script, "sh", .. Confined(container["securityContext"]!.AsObject()), program, .. arguments];
        return pod.Start(container["name"]!.GetValue<string>(), "sh", command, environment: variables);
    }

    private static string[] Confined(JsonObject security)
    {
        security["allowPrivilegeEscalation"]!.GetValue<bool>().ShouldBeFalse();
        security["capabilities"]!["drop"]![0]!.GetValue<string>().ShouldBe("ALL");
        var added = (security["capabilities"]!["add"] as JsonArray ?? []).Select(capability => $",+{capability!.GetValue<string>().ToLowerInvariant()}");
        var (user, group) = (security["runAsUser"]!.GetValue<long>(), security["runAsGroup"]!.GetValue<long>());
        return ["setpriv", $"--reuid={user}", $"--regid={group}", "--clear-groups", $"--bounding-set=-all{string.Concat(added)}", "--no-new-privs"];
    }

    // https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#envvar-v1-core: $(NAME) is a variable made before, $$ is one $.
    private static string Expand(string text, Dictionary<string, string> variables) =>
        Reference().Replace(text, match => match.Value == "$$" ? "$" : variables.GetValueOrDefault(match.Groups["name"].Value, match.Value));

    [GeneratedRegex("""\$\$|\$\((?<name>[^)]*)\)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Reference();
}
