using MeshLite.Cli.Operator;

namespace MeshLite.Cli.Status;

/// <summary>Who still calls whom without mTLS, and what to do before Strict. Pure but for the writer.</summary>
internal static class PlaintextView
{
    /// <value>Lines for people; programs get all.</value>
    private const int MaxRows = 100;

    /// <summary>For people.</summary>
    public static void WriteText(TextWriter output, MeshReport report, DateTimeOffset now)
    {
        var flows = PlaintextFlow.Of(report);
        if (flows.Count > 0)
        {
            List<string[]> rows = [["CALLER", "CALLS", "OF NAMESPACE", "CONNECTIONS", "REFUSED", "LAST"]];
            rows.AddRange(flows.Take(MaxRows).Select(f => (string[])
                [f.Caller, f.Callee, f.Namespace, $"{f.Connections}", $"{f.Refused}", $"{Text.Span(now - DateTimeOffset.FromUnixTimeSeconds(f.Last))} ago"]));
            Text.WriteTable(output, rows);
            if (flows.Count > MaxRows)
            {
                output.WriteLine($"and {flows.Count - MaxRows} more (-o json has all)");
            }

            output.WriteLine();
        }

        WriteAdvice(output, report, flows, now);
    }

    /// <summary>For programs.</summary>
    public static void WriteJson(TextWriter output, MeshReport report) => OutputFormat.WriteJson(output, new
    {
        Unheard = report.Unheard.Select(u => new { u.Address, u.Problem }),
        NotReporting = report.Sidecars.Where(s => !s.Reported).Select(s => $"{MeshReport.NamespaceOf(s)}/{s.Workload}"),
        CountingSince = report.Sidecars.Where(s => s.Reported).Select(s => (DateTimeOffset?)DateTimeOffset.FromUnixTimeSeconds(s.CountingSince)).Max(),
        Flows = PlaintextFlow.Of(report).Select(f => new { f.Caller, f.CallerNamespace, f.Addresses, f.Callee, f.Namespace, f.Connections, f.Refused, Last = DateTimeOffset.FromUnixTimeSeconds(f.Last) }),
    });

    private static void WriteAdvice(TextWriter output, MeshReport report, IReadOnlyList<PlaintextFlow> flows, DateTimeOffset now)
    {
        var (told, silent) = (report.Sidecars.Where(s => s.Reported).ToList(), report.Sidecars.Where(s => !s.Reported).ToList());
        if (silent.Count > 0)
        {
            output.WriteLine($"{Text.Count(silent.Count, "sidecar")} did not report (too old, or connected just now): {Text.Some(silent.Select(s => $"{MeshReport.NamespaceOf(s)}/{s.Workload}"))}");
        }

        if (told.Count == 0)
        {
            output.WriteLine("no sidecar has reported: nothing is known of callers in plaintext");
            return;
        }

        // Each counts since it started: of the youngest least is known.
        var since = Text.Span(now - DateTimeOffset.FromUnixTimeSeconds(told.Max(s => s.CountingSince)));
        var served = flows.Where(f => f.Connections > f.Refused).ToList();
        output.WriteLine(served.Count == 0
            ? $"{Text.Count(told.Count, "sidecar")}, counting for {since} or longer, let in nobody in plaintext: Strict (mtls.mode of MeshConfig, or the label or annotation meshlite.dev/mtls) would refuse no caller seen since"
            : $"before Strict, these {Text.Count(served.Count, "flow")} must end, or they are refused (counted for {since} or longer):");
        foreach (var line in served.Select(Advice).Distinct(StringComparer.Ordinal).Take(MaxRows))
        {
            output.WriteLine($"- {line}");
        }
    }

    private static string Advice(PlaintextFlow flow) =>
        flow.Caller.EndsWith("(no sidecar)", StringComparison.Ordinal) ? $"{flow.CallerNamespace}: kubectl label namespace {flow.CallerNamespace} meshlite.dev/inject=enabled, then restart its pods: they get a sidecar"
        : flow.CallerNamespace.Length > 0 ? $"{flow.Caller} has a sidecar that this call goes past: look at its skip-outbound-ports, and (standalone) whether it calls by its outbound port"
        : flow.Caller.StartsWith("a node", StringComparison.Ordinal) ? $"{flow.Caller}: a program on the node's network can have no sidecar; leave {flow.Namespace}/{flow.Callee} Permissive (meshlite.dev/mtls), or its port out of the mesh (meshlite.dev/skip-inbound-ports)"
        : $"{flow.Caller}: give it a sidecar, or leave {flow.Namespace}/{flow.Callee} Permissive (meshlite.dev/mtls)";
}
