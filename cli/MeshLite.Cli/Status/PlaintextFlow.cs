using MeshLite.Cli.Operator;

namespace MeshLite.Cli.Status;

/// <summary>Calls in plaintext of one caller to one service, all its workloads together. Immutable.</summary>
/// <param name="Caller">Its name, or its address where nobody knows it.</param>
/// <param name="CallerNamespace">Empty: not known.</param>
/// <param name="Addresses">Where it called from.</param>
/// <param name="Callee">The service's name, or the workload's where it serves none.</param>
/// <param name="Namespace">The callee's.</param>
/// <param name="Connections">Of it, with those refused.</param>
/// <param name="Refused">Those.</param>
/// <param name="Last">The newest, Unix seconds.</param>
internal sealed record PlaintextFlow(string Caller, string CallerNamespace, IReadOnlyList<string> Addresses, string Callee, string Namespace, ulong Connections, ulong Refused, long Last)
{
    /// <summary>All of a report, those with the most connections first.</summary>
    public static IReadOnlyList<PlaintextFlow> Of(MeshReport report) =>
    [
        .. report.Sidecars
            .SelectMany(s => s.Plaintext.Select(p => (Call: p, Namespace: MeshReport.NamespaceOf(s), Callee: s.Service.Length > 0 ? s.Service.Split('/')[^1] : s.Workload)))
            .GroupBy(f => (Caller: f.Call.Caller.Length == 0 ? f.Call.Address : IsShared(f.Call.Caller) ? $"{f.Call.Caller} ({f.Call.Address})" : f.Call.Caller, f.Call.CallerNamespace, f.Callee, f.Namespace))
            .Select(g => new PlaintextFlow(
                g.Key.Caller, g.Key.CallerNamespace, [.. g.Select(f => f.Call.Address).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], g.Key.Callee, g.Key.Namespace,
                g.Aggregate(0ul, (sum, f) => sum + f.Call.Connections), g.Aggregate(0ul, (sum, f) => sum + f.Call.Refused), g.Max(f => f.Call.Last)))
            .OrderByDescending(f => f.Connections).ThenBy(f => f.Caller, StringComparer.Ordinal).ThenBy(f => f.Callee, StringComparer.Ordinal),
    ];

    // A description that fits several: only with the address does it say whose.
    private static bool IsShared(string caller) => caller.StartsWith("a node", StringComparison.Ordinal);
}
