using System.CommandLine;
using System.Net;
using MeshLite.Hosting;

namespace MeshLite.ControlPlane;

/// <summary>The command line of <c>meshlite-control-plane</c>; binds it to <see cref="ControlPlaneOptions"/>.</summary>
internal static class ControlPlaneCommand
{
    private static readonly Option<string> ConfigDir = Directory("--config-dir", "directory of YAML documents, watched");
    private static readonly Option<string> DataDir = Directory("--data-dir", "directory for CA, join-token key and registrations");
    private static readonly Option<IPEndPoint> Grpc =
        CommonOptions.EndPoint("--grpc", new IPEndPoint(IPAddress.Any, 15012), "where sidecars connect").FromEnvironment();
    private static readonly Option<IPEndPoint> Telemetry =
        CommonOptions.EndPoint("--telemetry", new IPEndPoint(IPAddress.Any, 15014), "/metrics, /ready, /live").FromEnvironment();
    private static readonly Option<string[]> San = new("--san") { Description = "a further name or address it is reached at (repeatable)", HelpName = "NAME" };
    private static readonly Option<Microsoft.Extensions.Logging.LogLevel> Level = CommonOptions.LogLevel();

    /// <summary>The root command.</summary>
    public static RootCommand Create(Func<ControlPlaneOptions, CancellationToken, Task<int>> run)
    {
        var root = new RootCommand("MeshLite control plane: configuration and identity for sidecars.") { ConfigDir, DataDir, Grpc, Telemetry, San, Level };
        root.SetAction((result, cancellationToken) => run(Bind(result), cancellationToken));
        return root;
    }

    private static ControlPlaneOptions Bind(ParseResult result)
    {
        var options = new ControlPlaneOptions
        {
            ConfigDirectory = Required(result, ConfigDir),
            DataDirectory = Required(result, DataDir),
            Grpc = result.GetValue(Grpc)!,
            Telemetry = result.GetValue(Telemetry)!,
            SubjectNames = result.GetValue(San) ?? [],
            LogLevel = result.GetValue(Level),
        };
        if (!System.IO.Directory.Exists(options.ConfigDirectory))
        {
            throw StartupException.WrongOption(ConfigDir.Name, $"there is no directory '{options.ConfigDirectory}'");
        }

        foreach (var name in options.SubjectNames)
        {
            if (!IPAddress.TryParse(name, out _) && Uri.CheckHostName(name) != UriHostNameType.Dns)
            {
                throw StartupException.WrongOption(San.Name, $"'{name}' is neither a DNS name nor an address");
            }
        }

        return options;
    }

    private static string Required(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : throw StartupException.WrongOption(option.Name, "is required");

    private static Option<string> Directory(string name, string description) =>
        new Option<string>(name) { Description = description, HelpName = "DIR" }.FromEnvironment();
}
