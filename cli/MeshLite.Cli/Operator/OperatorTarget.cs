using System.CommandLine;
using MeshLite.Hosting;

namespace MeshLite.Cli.Operator;

/// <summary>Which control plane, and with what proof: the options of every command that asks one.</summary>
/// <param name="Address">Where.</param>
/// <param name="ServerName">The name its certificate must have; null: the host's.</param>
/// <param name="CaFile">Whom to believe.</param>
/// <param name="TokenFile">Who asks.</param>
internal sealed record OperatorTarget(Uri Address, string? ServerName, string CaFile, string TokenFile)
{
    private static readonly Option<string> ControlPlane = new("--control-plane")
    {
        Description = "the control plane's gRPC port; in a cluster what 'kubectl -n meshlite-system port-forward service/meshlite-control-plane 15012' opens",
        HelpName = "HOST:PORT", DefaultValueFactory = _ => "localhost:15012",
    };

    private static readonly Option<string> Ca = new("--control-plane-ca") { Description = "PEM roots of the mesh: <data-dir>/ca.pem, or ca.crt of the Secret meshlite-ca", HelpName = "FILE", Required = true };

    private static readonly Option<string> Token = new("--token-file")
    {
        Description = "token of the service account meshlite-operator in meshlite-system: of 'meshctl token create', or 'kubectl create token --audience meshlite-control-plane'",
        HelpName = "FILE", Required = true,
    };

    private static readonly Option<string> Name = new("--server-name") { Description = "the name the control plane's certificate must have, where HOST is a tunnel's [default: HOST]", HelpName = "NAME" };

    /// <summary>Adds the options.</summary>
    public static void AddTo(Command command)
    {
        command.Add(ControlPlane);
        command.Add(Ca);
        command.Add(Token);
        command.Add(Name);
    }

    /// <summary>Reads them.</summary>
    public static OperatorTarget From(ParseResult parsed)
    {
        var text = parsed.GetRequiredValue(ControlPlane);
        if (!Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : $"https://{text}", UriKind.Absolute, out var address)
            || address is not { Scheme: "https", PathAndQuery: "/", UserInfo: "" } || address.IsDefaultPort)
        {
            throw StartupException.WrongOption(ControlPlane.Name, $"'{text}' is not HOST:PORT, for example localhost:15012");
        }

        var name = parsed.GetValue(Name);
        return name is not null && Uri.CheckHostName(name) == UriHostNameType.Unknown
            ? throw StartupException.WrongOption(Name.Name, $"'{name}' is neither a DNS name nor an address")
            : new OperatorTarget(address, name, parsed.GetRequiredValue(Ca), parsed.GetRequiredValue(Token));
    }
}
