using System.CommandLine;
using System.CommandLine.Parsing;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.Model;

namespace MeshLite.Cli.Wait;

/// <summary>
/// <c>meshctl wait --for programmed KIND/NAME</c>: until every sidecar that uses a resource has the version that is stored. 0: they have; 1: not in time, or never;
/// 2: a wrong option.
/// </summary>
public static class WaitCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    private static readonly Argument<string> Resource = new("KIND/NAME") { Description = "trafficroute/orders, mtp/orders, …" };
    private static readonly Option<string> For = new("--for") { Description = "What for: programmed", HelpName = "programmed", Required = true };
    private static readonly Option<string> Namespace = new("--namespace", "-n") { Description = "Namespace of the resource [default: the kubeconfig's]", HelpName = "NS" };
    private static readonly Option<string> Kubeconfig = new("--kubeconfig") { Description = "How to reach the cluster [default: $KUBECONFIG, else ~/.kube/config, else the pod's own]", HelpName = "FILE" };

    private static readonly Option<TimeSpan?> Patience = new("--timeout")
    {
        Description = "How long: 30s, 5m [default: 60s]", HelpName = "TIME", CustomParser = ParseTimeout,
    };

    /// <summary>The command; progress goes to <paramref name="output"/>, why it failed to <paramref name="error"/>.</summary>
    public static Command Create(TimeProvider time, TextWriter output, TextWriter error)
    {
        var command = new Command("wait", "Wait until the sidecars have a resource") { Resource, For, Namespace, Kubeconfig, Patience };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetRequiredValue(For) is var what && !what.Equals("programmed", StringComparison.OrdinalIgnoreCase))
            {
                throw StartupException.WrongOption("--for", $"'{what}' is nothing that can be waited for; 'programmed' is");
            }

            var (kind, name) = Parse(parsed.GetRequiredValue(Resource));
            var connection = KubeconfigOption.Connect(parsed.GetValue(Kubeconfig), time);
            using var client = new KubernetesClient(connection, null, time);
            var key = new ObjectKey(kind.IsNamespaced ? parsed.GetValue(Namespace) ?? connection.Namespace : null, name);
            return await new ProgrammedWait(client, kind, key, output, error, time).RunAsync(parsed.GetValue(Patience) ?? DefaultTimeout, cancellationToken);
        });
        return command;
    }

    private static (OwnKind Kind, string Name) Parse(string text) =>
        text.Split('/') is not [var kind, { Length: > 0 } name] ? throw StartupException.WrongOption("KIND/NAME", $"'{text}' is not of the form trafficroute/orders")
        : OwnKind.Find(kind) is { } found ? (found, name)
        : throw StartupException.WrongOption("KIND/NAME", $"'{kind}' is none of {string.Join(", ", OwnKind.All.Select(k => k.Kind))}");

    private static TimeSpan? ParseTimeout(ArgumentResult result)
    {
        var text = string.Join(' ', result.Tokens.Select(t => t.Value));
        if (GatewayDuration.TryParse(text, out var timeout) && timeout > TimeSpan.Zero)
        {
            return timeout;
        }

        result.AddError($"--timeout: '{text}' is not a duration, for example 30s, 5m");
        return null;
    }
}
