using System.CommandLine;
using MeshLite.Cli.Operator;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Protocol.V1;

namespace MeshLite.Cli.Status;

/// <summary>
/// <c>meshctl status</c>: the sidecars that are connected; with <c>--plaintext</c>, who still calls whom without mTLS. 0: all replicas were heard; 1: not, or nobody
/// answered; 2: a wrong option.
/// </summary>
public static class StatusCommand
{
    private static readonly Option<string> Output = OutputFormat.Option();
    private static readonly Option<bool> Plaintext = new("--plaintext") { Description = "who still calls whom without mTLS, and what to do before Strict" };
    private static readonly Option<string> Namespace = new("--namespace", "-n") { Description = "only workloads of this namespace", HelpName = "NS" };

    /// <summary>The command; the answer goes to <paramref name="output"/>, what is missing of it to <paramref name="error"/>.</summary>
    public static Command Create(TimeProvider time, TextWriter output, TextWriter error)
    {
        var command = new Command("status", "The sidecars of the mesh; who still calls in plaintext") { Plaintext, Namespace, Output };
        OperatorTarget.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (target, plaintext, ns) = (OperatorTarget.From(parsed), parsed.GetValue(Plaintext), parsed.GetValue(Namespace) ?? "");
            if (ns.Length > 0 && !SpiffeId.IsSegment(ns))
            {
                throw StartupException.WrongOption(Namespace.Name, $"'{ns}' is not a namespace's name");
            }

            MeshReport report;
            try
            {
                using var client = await OperatorClient.ConnectAsync(target, time, cancellationToken);
                report = await client.ReportAsync(new ReportRequest { Sidecars = true, PlaintextCallers = plaintext, Namespace = ns }, target, cancellationToken);
            }
            catch (OperatorException problem)
            {
                throw new StartupException($"{problem.Message} ({problem.Advice})", inner: problem);
            }

            Write(output, report, plaintext, parsed.GetValue(Output) == "json", time.GetUtcNow());
            foreach (var (address, problem) in report.Unheard)
            {
                error.WriteLine($"meshctl: the replica at {address} does not answer, its sidecars are missing: {Text.Clean(problem)}");
            }

            return report.Unheard.Count > 0 ? 1 : 0;
        });
        return command;
    }

    private static void Write(TextWriter output, MeshReport report, bool plaintext, bool json, DateTimeOffset now)
    {
        Action<TextWriter> write = (plaintext, json) switch
        {
            (true, true) => o => PlaintextView.WriteJson(o, report),
            (true, false) => o => PlaintextView.WriteText(o, report, now),
            (false, true) => o => SidecarView.WriteJson(o, report),
            (false, false) => o => SidecarView.WriteText(o, report, now),
        };
        write(output);
    }
}
