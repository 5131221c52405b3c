using System.CommandLine;
using System.Reflection;
using MeshLite.Cli.Operator;
using MeshLite.Cli.Wait;
using MeshLite.Kubernetes;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Cli.Check;

/// <summary>
/// <c>meshctl check</c>: whether the mesh works and will go on working: a line for each thing, with what to do about it. 0: nothing failed (there may be warnings);
/// 1: something did; 2: a wrong option.
/// </summary>
public static class CheckCommand
{
    private static readonly Option<string> Output = OutputFormat.Option();
    private static readonly Option<string> Kubeconfig = new("--kubeconfig") { Description = "look at the cluster's side too: the kinds and the webhooks", HelpName = "FILE" };

    private static string Version => typeof(CheckCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>The command; results go to <paramref name="output"/>.</summary>
    public static Command Create(TimeProvider time, TextWriter output)
    {
        var command = new Command("check", "Whether the mesh works, and what will end or is refused") { Output, Kubeconfig };
        OperatorTarget.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var target = OperatorTarget.From(parsed);
            var cluster = parsed.GetValue(Kubeconfig) is { } file ? KubeconfigOption.Connect(file, time) : null;
            var (results, roots) = await AskAsync(target, time, cancellationToken);
            if (cluster is not null)
            {
                using var client = new KubernetesClient(cluster, null, time);
                results.AddRange(await new ClusterChecks(client).RunAsync(roots, cancellationToken));
            }

            Write(output, results, parsed.GetValue(Output) == "json");
            return results.Exists(r => r.Outcome == CheckOutcome.Failed) ? 1 : 0;
        });
        return command;
    }

    private static async Task<(List<CheckResult> Results, TrustBundle? Roots)> AskAsync(OperatorTarget target, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            using var client = await OperatorClient.ConnectAsync(target, time, cancellationToken);
            var report = await client.ReportAsync(new ReportRequest { Sidecars = true, Problems = true }, target, cancellationToken);
            return ([.. MeshChecks.Of(report, target.Address.Authority, Version, time.GetUtcNow())], client.Roots);
        }
        catch (OperatorException problem)
        {
            return ([CheckResult.Failed(problem.Subject, problem.Message, problem.Advice)], null);
        }
    }

    /// <summary>As people or programs read it.</summary>
    internal static void Write(TextWriter output, IReadOnlyList<CheckResult> results, bool json)
    {
        if (json)
        {
            OutputFormat.WriteJson(output, new
            {
                Checks = results.Select(r => new { Result = Word(r), r.Subject, r.Says, Do = r.Advice }),
                Failed = results.Count(r => r.Outcome == CheckOutcome.Failed), Warnings = results.Count(r => r.Outcome == CheckOutcome.Warning),
            });
            return;
        }

        var width = results.Max(r => r.Subject.Length);
        foreach (var result in results)
        {
            output.WriteLine($"{Word(result),-7}  {result.Subject.PadRight(width)}  {Text.Clean(result.Says)}");
            if (result.Advice.Length > 0)
            {
                output.WriteLine($"{"",-7}  {"".PadRight(width)}  -> {result.Advice}");
            }
        }
    }

    private static string Word(CheckResult result) => result.Outcome switch { CheckOutcome.Ok => "ok", CheckOutcome.Warning => "warning", _ => "failed" };
}
