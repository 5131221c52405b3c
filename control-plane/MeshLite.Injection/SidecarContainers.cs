using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>The two containers of an injected pod and the volumes they use, exactly as design.md §6 has them. Pure.</summary>
internal static class SidecarContainers
{
    /// <summary>Leads the pod's TCP through the sidecar, and ends.</summary>
    public const string Capture = "meshlite-capture";

    /// <summary>The proxy: by this container others know that a pod is in the mesh.</summary>
    public const string Sidecar = "meshlite-sidecar";

    /// <summary>The user whose connections are not captured.</summary>
    public const int Uid = 1337;

    /// <summary>Metrics and probes of the sidecar.</summary>
    public const int TelemetryPort = 15020;

    /// <summary>Name of that port, for a PodMonitor.</summary>
    public const string TelemetryPortName = "mesh-metrics";

    /// <summary>Variables by which the sidecar learns of the application's probes and metrics.</summary>
    public const string ProbesVariable = "MESHLITE_PROBES";

    /// <inheritdoc cref="ProbesVariable"/>
    public const string AppMetricsVariable = "MESHLITE_APP_METRICS";

    private const string StateVolume = "meshlite-state";
    private const string StatePath = "/run/meshlite";
    private const string IdentityVolume = "meshlite-identity";
    private const string IdentityPath = "/var/run/secrets/meshlite";

    private const string NoApiTokenVolume = "meshlite-no-api-token";

    /// <summary>
    /// Where the admission of service accounts mounts a token for the API server into every container, ours too, unless something is mounted there
    /// already (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller).
    /// </summary>
    private const string ApiTokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <value>With a period of 1 s: how long a control plane may be away while a pod starts. 10 min.</value>
    private const int StartupAttempts = 600;

    /// <summary>Their names.</summary>
    public static bool IsOurs(string? name) => name is Capture or Sidecar;

    /// <summary>The init container that sets the rules. It runs as root, which setting rules takes, with nothing but the two capabilities for it.</summary>
    public static JsonObject CaptureContainer(InjectionOptions options, PodSettings settings) => new()
    {
        ["name"] = Capture,
        ["image"] = options.Image,
        ["args"] = new JsonArray(["capture", .. Ports("--skip-inbound-ports", settings.SkipInbound), .. Ports("--skip-outbound-ports", settings.SkipOutbound)]),
        ["resources"] = Requests(options, settings),
        ["securityContext"] = new JsonObject
        {
            ["runAsUser"] = 0,
            ["runAsGroup"] = 0,
            ["runAsNonRoot"] = false,
            ["privileged"] = false,
            ["allowPrivilegeEscalation"] = false,
            ["readOnlyRootFilesystem"] = true,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL"), ["add"] = new JsonArray("NET_ADMIN", "NET_RAW") },
            ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
        },
        ["volumeMounts"] = new JsonArray(NoApiToken()),
    };

    /// <summary>The native sidecar (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/). Its variables are ours to add to.</summary>
    public static JsonObject SidecarContainer(InjectionOptions options, PodSettings settings) => new()
    {
        ["name"] = Sidecar,
        ["image"] = options.Image,
        ["restartPolicy"] = "Always",
        ["args"] = new JsonArray(
        [
            "--transparent", "--control-plane", options.ControlPlane, "--control-plane-ca", $"{IdentityPath}/ca.pem", "--token", $"{IdentityPath}/token",
            "--state-dir", $"{StatePath}/state", .. Ports("--skip-inbound-ports", settings.SkipInbound), .. Ports("--opaque-ports", settings.Opaque),
            .. settings.LogLevel is { } level ? (JsonNode?[])["--log-level", level] : [],
        ]),
        ["env"] = new JsonArray(
            FromPod("MESHLITE_WORKLOAD", "metadata.name"), FromPod("MESHLITE_NAMESPACE", "metadata.namespace"), FromPod("MESHLITE_POD_IP", "status.podIP")),
        ["ports"] = new JsonArray(new JsonObject { ["name"] = TelemetryPortName, ["containerPort"] = TelemetryPort, ["protocol"] = "TCP" }),
        ["startupProbe"] = new JsonObject
        {
            ["httpGet"] = new JsonObject { ["path"] = "/ready", ["port"] = TelemetryPort, ["scheme"] = "HTTP" },
            ["periodSeconds"] = 1,
            ["timeoutSeconds"] = 3,
            ["failureThreshold"] = StartupAttempts,
        },
        ["lifecycle"] = new JsonObject
        {
            ["preStop"] = new JsonObject { ["exec"] = new JsonObject { ["command"] = new JsonArray("/usr/bin/meshlite-sidecar", "drain") } },
        },
        ["resources"] = Requests(options, settings),
        ["securityContext"] = new JsonObject
        {
            ["runAsUser"] = Uid,
            ["runAsGroup"] = Uid,
            ["runAsNonRoot"] = true,
            ["privileged"] = false,
            ["allowPrivilegeEscalation"] = false,
            ["readOnlyRootFilesystem"] = true,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
            ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
        },
        ["volumeMounts"] = new JsonArray(
            new JsonObject { ["name"] = IdentityVolume, ["mountPath"] = IdentityPath, ["readOnly"] = true },
            new JsonObject { ["name"] = StateVolume, ["mountPath"] = StatePath },
            NoApiToken()),
    };

    /// <summary>Key, certificate and last good configuration in memory; token and roots as files; and nothing, where a token for the API server would be.</summary>
    public static IEnumerable<JsonObject> Volumes(InjectionOptions options) =>
    [
        new() { ["name"] = StateVolume, ["emptyDir"] = new JsonObject { ["medium"] = "Memory", ["sizeLimit"] = "64Mi" } },
        new() { ["name"] = NoApiTokenVolume, ["emptyDir"] = new JsonObject() },
        new()
        {
            ["name"] = IdentityVolume,
            ["projected"] = new JsonObject
            {
                ["sources"] = new JsonArray(
                    new JsonObject
                    {
                        ["serviceAccountToken"] = new JsonObject
                        {
                            ["audience"] = options.TokenAudience, ["expirationSeconds"] = (long)options.TokenLifetime.TotalSeconds, ["path"] = "token",
                        },
                    },
                    new JsonObject
                    {
                        ["downwardAPI"] = new JsonObject
                        {
                            ["items"] = new JsonArray(new JsonObject
                            {
                                ["path"] = "ca.pem", ["fieldRef"] = new JsonObject { ["fieldPath"] = $"metadata.annotations['{MeshAnnotations.TrustBundle}']" },
                            }),
                        },
                    }),
            },
        },
    ];

    /// <summary>
    /// A variable whose value the kubelet passes on as it is: it would take <c>$(NAME)</c> for a reference, and <c>$$</c> for one <c>$</c>.
    /// </summary>
    public static JsonObject Variable(string name, string value) => new() { ["name"] = name, ["value"] = value.Replace("$", "$$", StringComparison.Ordinal) };

    /// <summary>The reverse of <see cref="Variable"/>; null: there is none.</summary>
    public static string? ValueOf(JsonObject sidecar, string name) =>
        sidecar.Objects("env").FirstOrDefault(variable => variable.Text("name") == name).Text("value")?.Replace("$$", "$", StringComparison.Ordinal);

    private static JsonObject NoApiToken() => new() { ["name"] = NoApiTokenVolume, ["mountPath"] = ApiTokenPath, ["readOnly"] = true };

    private static JsonObject FromPod(string name, string path) => new()
    {
        ["name"] = name,
        ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = path } },
    };

    private static JsonObject Requests(InjectionOptions options, PodSettings settings) => new()
    {
        ["requests"] = new JsonObject { ["cpu"] = settings.CpuRequest ?? options.CpuRequest, ["memory"] = settings.MemoryRequest ?? options.MemoryRequest },
    };

    private static JsonNode?[] Ports(string option, IReadOnlyList<int> ports) =>
        ports.Count == 0 ? [] : [option, string.Join(',', ports.Select(port => port.ToString(CultureInfo.InvariantCulture)))];
}
