using System.CommandLine;
using System.Net;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.Hosting;

namespace MeshLite.ControlPlane;

/// <summary>The command line of <c>meshlite-control-plane</c>; binds it to <see cref="ControlPlaneOptions"/>.</summary>
internal static class ControlPlaneCommand
{
    private static readonly Option<string> ConfigDir = Directory("--config-dir", "directory of YAML documents, watched");
    private static readonly Option<string> DataDir = Directory("--data-dir", "directory for CA, join-token key and registrations");
    private static readonly Option<string> Kubeconfig = new Option<string>("--kubeconfig") { Description = "configuration is that of a cluster (default in a Pod: its own)", HelpName = "FILE" }.FromEnvironment();
    private static readonly Option<string> Namespace = new Option<string>("--namespace") { Description = "the control plane's own (default: the Pod's, or meshlite-system)", HelpName = "NS" }.FromEnvironment();
    private static readonly Option<IPEndPoint> Grpc =
        CommonOptions.EndPoint("--grpc", new IPEndPoint(IPAddress.Any, 15012), "where sidecars connect").FromEnvironment();
    private static readonly Option<IPEndPoint> Telemetry =
        CommonOptions.EndPoint("--telemetry", new IPEndPoint(IPAddress.Any, 15014), "/metrics, /ready, /live").FromEnvironment();
    private static readonly Option<IPEndPoint> Webhook =
        CommonOptions.EndPoint("--webhook", new IPEndPoint(IPAddress.Any, 15017), "where the API server calls webhooks, in a cluster").FromEnvironment();
    private static readonly Option<string> SidecarImage = new Option<string>("--sidecar-image") { Description = "image that injected pods get (default: meshlite/sidecar of this version)", HelpName = "IMAGE" }.FromEnvironment();
    private static readonly Option<string> SidecarControlPlane = new Option<string>("--sidecar-control-plane") { Description = "the control plane's address in injected pods (default: its Service's)", HelpName = "https://HOST:PORT" }.FromEnvironment();
    private static readonly Option<string[]> San = new("--san") { Description = "a further name or address it is reached at (repeatable)", HelpName = "NAME" };
    private static readonly Option<Microsoft.Extensions.Logging.LogLevel> Level = CommonOptions.LogLevel();

    /// <summary>The root command.</summary>
    public static RootCommand Create(Func<ControlPlaneOptions, CancellationToken, Task<int>> run)
    {
        var root = new RootCommand("MeshLite control plane: configuration and identity for sidecars.") { ConfigDir, DataDir, Kubeconfig, Namespace, Grpc, Telemetry, Webhook, SidecarImage, SidecarControlPlane, San, Level };
        root.SetAction((result, cancellationToken) => run(Bind(result), cancellationToken));
        return root;
    }

    private static ControlPlaneOptions Bind(ParseResult result)
    {
        var options = new ControlPlaneOptions
        {
            Grpc = result.GetValue(Grpc)!,
            Telemetry = result.GetValue(Telemetry)!,
            Webhook = result.GetValue(Webhook)!,
            SubjectNames = result.GetValue(San) ?? [],
            LogLevel = result.GetValue(Level),
        };
        options = IsStandalone(result) ? BindStandalone(options, result) : BindCluster(options, result);
        foreach (var name in options.SubjectNames)
        {
            if (!IPAddress.TryParse(name, out _) && Uri.CheckHostName(name) != UriHostNameType.Dns)
            {
                throw StartupException.WrongOption(San.Name, $"'{name}' is neither a DNS name nor an address");
            }
        }

        return options;
    }

    // A directory says standalone; else a kubeconfig, or being in a Pod, says cluster.
    private static bool IsStandalone(ParseResult result) =>
        !string.IsNullOrEmpty(result.GetValue(ConfigDir))
        || (string.IsNullOrEmpty(result.GetValue(Kubeconfig)) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST")));

    private static ControlPlaneOptions BindStandalone(ControlPlaneOptions options, ParseResult result)
    {
        Refuse(result, Kubeconfig, $"does not go with {ConfigDir.Name}: configuration comes from a cluster or from a directory");
        foreach (var option in (Option<string>[])[Namespace, SidecarImage, SidecarControlPlane])
        {
            Refuse(result, option, "says something only in a cluster");
        }

        options = options with { ConfigDirectory = Required(result, ConfigDir), DataDirectory = Required(result, DataDir) };
        return System.IO.Directory.Exists(options.ConfigDirectory)
            ? options
            : throw StartupException.WrongOption(ConfigDir.Name, $"there is no directory '{options.ConfigDirectory}'");
    }

    private static ControlPlaneOptions BindCluster(ControlPlaneOptions options, ParseResult result)
    {
        Refuse(result, DataDir, "says nothing in a cluster, where the authority is a Secret and nothing is kept on disk");
        var (file, ns) = (NullIfEmpty(result.GetValue(Kubeconfig)), NullIfEmpty(result.GetValue(Namespace)));
        return file is not null && !File.Exists(file) ? throw StartupException.WrongOption(Kubeconfig.Name, $"there is no file '{file}'")
            : ns is not null && Check.Label(ns) is { } problem ? throw StartupException.WrongOption(Namespace.Name, problem)
            : options with
            {
                Cluster = new ClusterOptions { Kubeconfig = file, Namespace = ns, SidecarImage = NullIfEmpty(result.GetValue(SidecarImage)), SidecarControlPlane = ControlPlaneAddress(result) },
            };
    }

    private static string? ControlPlaneAddress(ParseResult result) => NullIfEmpty(result.GetValue(SidecarControlPlane)) is not { } address ? null
        : Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri is { Scheme: "https", PathAndQuery: "/" } ? address
        : throw StartupException.WrongOption(SidecarControlPlane.Name, $"'{address}' is not https://HOST:PORT");

    private static void Refuse(ParseResult result, Option<string> option, string reason)
    {
        if (!string.IsNullOrEmpty(result.GetValue(option)))
        {
            throw StartupException.WrongOption(option.Name, reason);
        }
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string Required(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : throw StartupException.WrongOption(option.Name, "is required");

    private static Option<string> Directory(string name, string description) =>
        new Option<string>(name) { Description = description, HelpName = "DIR" }.FromEnvironment();
}
