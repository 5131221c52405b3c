using MeshLite.Cli.Operator;
using MeshLite.Protocol.V1;
using Step = MeshLite.Protocol.V1.AuthorityStatus.Types.Step;

namespace MeshLite.Cli.Authority;

/// <summary>The authority's status as text and as JSON. Pure but for the writer.</summary>
internal static class AuthorityView
{
    /// <summary>All of it.</summary>
    public static void Write(TextWriter output, AuthorityStatus status, bool json)
    {
        if (json)
        {
            OutputFormat.WriteJson(output, new
            {
                Step = StepOf(status), ByCommand = status.ByCommand, CanAbort = status.CanAbort, Since = At(status.Since), RetireAt = status.RetireAt == 0 ? (DateTimeOffset?)null : At(status.RetireAt),
                Signer = Json(status.Signer), Next = Json(status.Next), Previous = Json(status.Previous), Roots = status.Roots.Select(Json).ToArray(),
                Sidecars = status.Sidecars, WithRoots = status.WithRoots, WithIssuer = status.WithIssuer,
                WithoutRoots = status.WithoutRoots.ToArray(), WithoutIssuer = status.WithoutIssuer.ToArray(), Unheard = status.Unheard.ToArray(),
            });
            return;
        }

        output.WriteLine(Line(status));
        foreach (var root in status.Roots)
        {
            var roles = new[]
            {
                (status.Signer, "signs"), (status.Next, "signs next"), (status.Previous, "signed before"),
            }.Where(role => role.Item1?.Fingerprint == root.Fingerprint).Select(role => role.Item2).ToArray();
            output.WriteLine($"  root {Text.Clean(root.Subject)} ({root.Fingerprint[..16]}) until {Text.Moment(At(root.EndsAt))}{(roles.Length == 0 ? "" : $": {string.Join(", ", roles)}")}");
        }
    }

    /// <summary>Where it is, in one line: the step, how many have it, who is waited for.</summary>
    public static string Line(AuthorityStatus status) => status.Step switch
    {
        Step.Steady => $"steady: {Text.Count(status.Roots.Count, "root")}, {Text.Count((int)status.Sidecars, "sidecar")} connected",
        Step.Overlap => $"overlap: {status.WithRoots}/{status.Sidecars} sidecars have the next root{Waiting(status.WithoutRoots, status.Sidecars - status.WithRoots, status)}",
        _ => $"retire{(status.Aborted ? " (taken back)" : "")}: {status.WithIssuer}/{status.Sidecars} sidecars have a certificate of who signs now{Waiting(status.WithoutIssuer, status.Sidecars - status.WithIssuer, status)}, "
            + $"former certificates end by {Text.Moment(At(status.RetireAt))}",
    };

    /// <summary><c>steady</c>, <c>overlap</c>, <c>retire</c>.</summary>
    public static string StepOf(AuthorityStatus status) => status.Step.ToString().ToLowerInvariant();

    private static string Waiting(IReadOnlyList<string> names, uint count, AuthorityStatus status)
    {
        var parts = new List<string>();
        if (count > 0)
        {
            parts.Add(Text.Clean($"waiting for {string.Join(", ", names.Take(5))}{(count > 5 ? $" and {count - 5} more" : "")}"));
        }

        if (status.Unheard.Count > 0)
        {
            parts.Add(Text.Clean($"replica {string.Join(", ", status.Unheard)} does not answer"));
        }

        return parts.Count == 0 ? "" : $" ({string.Join("; ", parts)})";
    }

    private static object? Json(AuthorityRoot? root) => root is null ? null : new { root.Subject, root.Fingerprint, EndsAt = At(root.EndsAt) };

    private static DateTimeOffset At(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);
}
