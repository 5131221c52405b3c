using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Sidecar.Capture;
using MeshLite.Sidecar.Probes;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar;

/// <summary>The command line of <c>meshlite-sidecar</c>; binds it to <see cref="SidecarOptions"/>.</summary>
internal static class SidecarCommand
{
    private static readonly Option<string> ControlPlane = Required("--control-plane", "the control plane's gRPC address", "https://HOST:PORT");
    private static readonly Option<string> ControlPlaneCa = Required("--control-plane-ca", "PEM roots by which the control plane is verified", "FILE");
    private static readonly Option<string> Token = Required("--token", "file with the token that proves this workload's identity", "FILE");
    private static readonly Option<string?> Service = Optional("--service", "service this workload serves; none: it only calls others", "NAME");
    private static readonly Option<string?> Namespace = Optional("--namespace", "namespace of the workload; checked against its certificate", "NS");
    private static readonly Option<string?> Workload = Optional("--workload", "name of this instance (default: service and a random suffix)", "NAME");
    private static readonly Option<string[]> Label = new Option<string[]>("--label") { Description = "label of the workload (repeatable)", HelpName = "k=v" };
    private static readonly Option<int> AppPort = new Option<int>("--app-port") { Description = "port of the application, on 127.0.0.1; with --transparent, on the pod's own address", HelpName = "N" }.FromEnvironment();
    private static readonly Option<string?> HealthPath = Optional("--health-path", "path of the application's health check (default: a TCP connect)", "PATH");
    private static readonly Option<IPEndPoint> Inbound = Listener("--inbound", IPAddress.Any, 15006, "where peers connect");
    private static readonly Option<IPEndPoint> Advertise = CommonOptions.EndPoint("--advertise", null, "inbound address peers are told (default: as bound)").FromEnvironment();
    private static readonly Option<IPEndPoint> Outbound = Listener("--outbound", IPAddress.Loopback, 15001, "where the application connects");
    private static readonly Option<IPEndPoint> Admin = Listener("--admin", IPAddress.Loopback, 15000, "admin interface, loopback only");
    private static readonly Option<IPEndPoint> Telemetry = Listener("--telemetry", IPAddress.Any, 15020, "metrics and probes");
    private static readonly Option<string> StateDir = Required("--state-dir", "directory for key, certificate and last good configuration", "DIR");
    private static readonly Option<bool> Transparent = new Option<bool>("--transparent") { Description = "take over connections that `capture` leads here" }.FromEnvironment();
    private static readonly Option<string?> SkipInbound = PortList.Option("--skip-inbound-ports", "ports of this pod that `capture` was told to skip");
    private static readonly Option<string?> Opaque = PortList.Option("--opaque-ports", "ports of the application that speak no HTTP");
    private static readonly Option<IPAddress?> PodIp = new Option<IPAddress?>("--pod-ip") { Description = "the pod's own address (default: as seen)", HelpName = "ADDR", CustomParser = ParseAddress }.FromEnvironment();
    private static readonly Option<string?> Probes = Optional("--probes", "the application's probes, asked for at /probe/CONTAINER/KIND of --telemetry", "JSON");
    private static readonly Option<string?> AppMetrics = Optional("--app-metrics", "the application's own metrics, merged into ours", "[https:]PORT/PATH");
    private static readonly Option<Microsoft.Extensions.Logging.LogLevel> Level = CommonOptions.LogLevel();

    /// <summary>The root command: no verb runs the proxy.</summary>
    public static RootCommand Create(Func<SidecarOptions, LogLevels, Task<int>> run)
    {
        var root = new RootCommand("MeshLite sidecar: mTLS, routing, retries and telemetry beside one workload.")
        {
            ControlPlane, ControlPlaneCa, Token, Service, Namespace, Workload, Label, AppPort, HealthPath,
            Inbound, Advertise, Outbound, Admin, Telemetry, StateDir, Transparent, SkipInbound, Opaque, PodIp, Probes, AppMetrics, Level,
        };
        root.Add(DrainCommand.Create());
        root.Add(CaptureCommand.Create());
        root.SetAction((result, _) => run(Bind(result), new LogLevels(result.GetValue(Level))));
        return root;
    }

    private static SidecarOptions Bind(ParseResult result)
    {
        var service = result.GetValue(Service) ?? "";
        if (service.Length > 0 && !SpiffeId.IsSegment(service))
        {
            throw StartupException.WrongOption("--service", $"'{service}' is not a Kubernetes name");
        }

        var appPort = result.GetValue(AppPort);
        if (appPort is < 0 or > 65535)
        {
            throw StartupException.WrongOption("--app-port", $"{appPort} is not a port");
        }

        if (service.Length > 0 && appPort == 0)
        {
            throw StartupException.WrongOption("--app-port", "needed with --service: the port the application listens on");
        }

        var admin = result.GetValue(Admin)!;
        if (!IPAddress.IsLoopback(admin.Address))
        {
            throw StartupException.WrongOption("--admin", $"{admin} is not on loopback: the admin interface has no authentication");
        }

        return new SidecarOptions
        {
            ControlPlane = ControlPlaneUri(Given(result, ControlPlane)),
            ControlPlaneCa = ExistingFile("--control-plane-ca", Given(result, ControlPlaneCa)),
            TokenFile = Given(result, Token),
            Service = service,
            Namespace = result.GetValue(Namespace),
            Workload = result.GetValue(Workload) ?? $"{(service.Length > 0 ? service : "client")}-{Guid.NewGuid().ToString("n")[..8]}",
            Labels = Labels(result.GetValue(Label) ?? []),
            AppPort = appPort == 0 ? null : appPort,
            Transparent = result.GetValue(Transparent),
            SkipInboundPorts = PortList.Parse("--skip-inbound-ports", result.GetValue(SkipInbound)),
            OpaquePorts = PortList.Parse("--opaque-ports", result.GetValue(Opaque)),
            PodIp = result.GetValue(PodIp),
            Probes = ProbeTable.Parse("--probes", result.GetValue(Probes)),
            AppMetrics = AppMetricsSource.Parse("--app-metrics", result.GetValue(AppMetrics)),
            HealthPath = result.GetValue(HealthPath),
            Inbound = result.GetValue(Inbound)!,
            Advertise = result.GetValue(Advertise),
            Outbound = result.GetValue(Outbound)!,
            Admin = admin,
            Telemetry = result.GetValue(Telemetry)!,
            StateDir = Given(result, StateDir),
        };
    }

    // Asked for here and not by the parser, which knows nothing of the variable and would refuse --help and every verb too.
    private static string Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : throw StartupException.WrongOption(option.Name, "required");

    private static Uri ControlPlaneUri(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri is { Scheme: "https", PathAndQuery: "/" }
            ? uri
            : throw StartupException.WrongOption("--control-plane", $"'{value}' is not https://HOST:PORT");

    private static string ExistingFile(string option, string path) =>
        File.Exists(path) ? path : throw StartupException.WrongOption(option, $"there is no file '{path}'");

    private static ImmutableSortedDictionary<string, string> Labels(string[] pairs)
    {
        var labels = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var pair in pairs)
        {
            var equals = pair.IndexOf('=');
            if (equals <= 0)
            {
                throw StartupException.WrongOption("--label", $"'{pair}' is not k=v");
            }

            labels[pair[..equals]] = pair[(equals + 1)..];
        }

        return labels.ToImmutable();
    }

    private static IPAddress? ParseAddress(ArgumentResult result)
    {
        var text = string.Join(' ', result.Tokens.Select(t => t.Value));
        if (IPAddress.TryParse(text, out var address))
        {
            return address;
        }

        result.AddError($"--pod-ip: '{text}' is not an address");
        return null;
    }

    private static Option<string> Required(string name, string description, string value) =>
        new Option<string>(name) { Description = $"{description} (required)", HelpName = value }.FromEnvironment();

    private static Option<string?> Optional(string name, string description, string value) =>
        new Option<string?>(name) { Description = description, HelpName = value }.FromEnvironment();

    private static Option<IPEndPoint> Listener(string name, IPAddress address, int port, string description) =>
        CommonOptions.EndPoint(name, new IPEndPoint(address, port), description).FromEnvironment();
}
