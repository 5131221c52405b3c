using System.CommandLine;
using System.CommandLine.Help;
using MeshLite.Cli.Operator;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Action = MeshLite.Protocol.V1.ChangeAuthorityRequest.Types.Action;

namespace MeshLite.Cli.Authority;

/// <summary>
/// <c>meshctl ca status|rotate</c>: where the mesh's authority is, and a new root for it. The control plane takes the steps, by itself; this begins them and
/// watches. 0: done; 1: not (yet), or nobody answered; 2: a wrong option.
/// </summary>
public static class CaCommand
{

    private static readonly Option<string> Output = OutputFormat.Option();
    private static readonly Option<bool> Abort = new("--abort") { Description = "take back the rotation that is under way; not after retire" };
    private static readonly Option<bool> SwitchNow = new("--switch-now") { Description = "do not wait for the sidecars named: they will refuse every workload that has renewed, until they take the new root" };
    private static readonly Option<bool> RetireNow = new("--retire-now") { Description = "do not wait for former certificates to end: whoever still shows one is refused, and its connections are cut" };
    private static readonly Option<string> Key = new("--key") { Description = "PEM key of an authority of yours; standalone only [default: the control plane makes one]", HelpName = "FILE" };
    private static readonly Option<string> Cert = new("--cert") { Description = "its certificates, up to its root", HelpName = "FILE" };
    private static readonly Option<string> Timeout = new("--timeout") { Description = "how long to watch; the rotation goes on all the same, and running this again watches on", HelpName = "DURATION", DefaultValueFactory = _ => "48h" };

    /// <summary>The command; what is asked for goes to <paramref name="output"/>, everything else to <paramref name="error"/>.</summary>
    public static Command Create(TimeProvider time, TextWriter output, TextWriter error)
    {
        var status = new Command("status", "Who signs, which roots are published, and which step a rotation is in") { Output };
        OperatorTarget.AddTo(status);
        status.SetAction((parsed, cancellationToken) => WithClientAsync(parsed, time, async (client, target) =>
        {
            AuthorityView.Write(output, await AskAsync(client, target, cancellationToken), parsed.GetValue(Output) == "json");
            return 0;
        }, cancellationToken));

        var rotate = new Command("rotate", "Give the mesh a new root: overlap, switch, retire, each when every sidecar is ready for it") { Abort, SwitchNow, RetireNow, Key, Cert, Timeout };
        OperatorTarget.AddTo(rotate);
        rotate.SetAction((parsed, cancellationToken) =>
        {
            var request = RequestOf(parsed);
            var timeout = ParseTimeout(parsed.GetValue(Timeout)!);
            return WithClientAsync(parsed, time, (client, target) => new RotationWatch(client, target, time, output, error).RunAsync(request, timeout, cancellationToken), cancellationToken);
        });

        var command = new Command("ca", "The mesh's certificate authority") { status, rotate };
        command.SetAction(parsed => new HelpAction().Invoke(parsed));
        return command;
    }

    internal static async Task<AuthorityStatus> AskAsync(OperatorClient client, OperatorTarget target, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Channel.UnaryAsync(MeshMethods.OperatorAuthority, new AuthorityStatusRequest(), new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(30) }, cancellationToken);
        }
        catch (GrpcException refusal)
        {
            throw OperatorException.Of(refusal, target);
        }
    }

    private static ChangeAuthorityRequest RequestOf(ParseResult parsed)
    {
        var actions = new[] { (Abort, Action.Abort), (SwitchNow, Action.SwitchNow), (RetireNow, Action.RetireNow) }.Where(a => parsed.GetValue(a.Item1)).ToArray();
        if (actions.Length > 1)
        {
            throw StartupException.WrongOption(actions[1].Item1.Name, $"not together with {actions[0].Item1.Name}");
        }

        var (key, cert) = (parsed.GetValue(Key), parsed.GetValue(Cert));
        if ((key is null) != (cert is null))
        {
            throw StartupException.WrongOption(key is null ? Key.Name : Cert.Name, "missing: key and certificates belong together");
        }

        if (key is not null && actions.Length > 0)
        {
            throw StartupException.WrongOption(Key.Name, $"not together with {actions[0].Item1.Name}");
        }

        return new ChangeAuthorityRequest { Action = actions.Length == 0 ? Action.Rotate : actions[0].Item2, Key = Read(Key.Name, key), Certificates = Read(Cert.Name, cert) };
    }

    private static string Read(string option, string? path)
    {
        try
        {
            // Nothing would be taken for: make one.
            return path is null ? "" : File.ReadAllText(path) is { Length: > 0 } text ? text : throw StartupException.WrongOption(option, $"{path} is empty");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw StartupException.WrongOption(option, problem.Message);
        }
    }

    private static TimeSpan ParseTimeout(string text) => GatewayDuration.TryParse(text, out var timeout) && timeout > TimeSpan.Zero
        ? timeout
        : throw StartupException.WrongOption(Timeout.Name, $"'{text}' is not a duration, for example 10m");

    private static async Task<int> WithClientAsync(ParseResult parsed, TimeProvider time, Func<OperatorClient, OperatorTarget, Task<int>> run, CancellationToken cancellationToken)
    {
        var target = OperatorTarget.From(parsed);
        try
        {
            using var client = await OperatorClient.ConnectAsync(target, time, cancellationToken);
            return await run(client, target);
        }
        catch (OperatorException problem)
        {
            throw new StartupException($"{problem.Message} ({problem.Advice})", inner: problem);
        }
    }
}
