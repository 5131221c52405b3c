using MeshLite.Cli.Operator;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Cli.Check;

/// <summary>What a report of the mesh means. Pure.</summary>
internal static class MeshChecks
{
    /// <value>Clocks that differ by more are wrong. 60 s, as much as a join token may be ahead.</value>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(60);

    /// <value>A key in use for longer should be exchanged. 365 d.</value>
    private static readonly TimeSpan OldTokenKey = TimeSpan.FromDays(365);

    private const string FixClock = "let all machines take their time from one source (NTP)";

    /// <summary>Everything, in the order in which it depends on one another.</summary>
    /// <param name="report">Of all replicas.</param>
    /// <param name="address">Where the control plane was asked.</param>
    /// <param name="own">Version of meshctl.</param>
    /// <param name="now">By our clock.</param>
    public static IEnumerable<CheckResult> Of(MeshReport report, string address, string own, DateTimeOffset now) =>
    [
        .. ControlPlane(report, address), .. Versions(report, own), .. Clocks(report), .. Certificates(report, now), .. TokenKey(report, now), .. Sidecars(report, now), .. Configuration(report),
    ];

    private static IEnumerable<CheckResult> ControlPlane(MeshReport report, string address)
    {
        yield return CheckResult.Ok("control plane", $"{Text.Count(report.Replicas.Count, "replica")} heard, by way of {address}");
        foreach (var (replica, problem) in report.Unheard)
        {
            yield return CheckResult.Warning("control plane", $"the replica at {replica} does not answer: {problem}", "its sidecars are missing below; look at its pod");
        }
    }

    private static IEnumerable<CheckResult> Versions(MeshReport report, string own)
    {
        var versions = report.Replicas.Select(r => r.State.Version).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        yield return versions.Count > 1
            ? CheckResult.Warning("version", $"replicas of the control plane are of versions {string.Join(" and ", versions)}", "finish the rollout: kubectl -n meshlite-system rollout status deployment/meshlite-control-plane")
            : versions[0] != own
                ? CheckResult.Warning("version", $"control plane {versions[0]}, meshctl {own}", "use the meshctl of the control plane's version")
                : CheckResult.Ok("version", $"control plane and meshctl {own}");
        var plane = versions.Select(Parse).Max()!;
        var odd = report.Sidecars.Where(s => Parse(s.Version) is var version && version != plane).ToLookup(s => Parse(s.Version) > plane);
        if (odd[true].Any())
        {
            yield return CheckResult.Warning("version", $"{Name(odd[true])} newer than the control plane", "upgrade the control plane first, sidecars after it");
        }

        if (odd[false].Any())
        {
            yield return CheckResult.Warning("version", $"{Name(odd[false])} older than the control plane", "restart their pods to have them injected anew (standalone: their processes)");
        }
    }

    private static IEnumerable<CheckResult> Clocks(MeshReport report)
    {
        var wrong = report.Replicas.Select(r => (Name: $"replica {r.Replica}", r.Offset))
            .Concat(report.Sidecars.Where(s => s.Reported).Select(s => (Name: NameOf(s), Offset: TimeSpan.FromMilliseconds(s.ClockOffset))))
            .Where(c => c.Offset.Duration() > ClockTolerance)
            .OrderByDescending(c => c.Offset.Duration()).ToList();
        yield return wrong.Count == 0
            ? CheckResult.Ok("clocks", $"within {Text.Span(ClockTolerance)} of the control plane's")
            : new CheckResult(
                wrong[0].Offset.Duration() > SvidProfile.Backdate ? CheckOutcome.Failed : CheckOutcome.Warning, "clocks",
                Text.Some(wrong.Select(c => $"{c.Name} {(c.Offset > TimeSpan.Zero ? "ahead" : "behind")} by {Text.Span(c.Offset.Duration())}")), FixClock);
    }

    private static IEnumerable<CheckResult> Certificates(MeshReport report, DateTimeOffset now)
    {
        // Replicas share issuer and roots; each has a server certificate of its own.
        var hasRoot = report.Replicas.SelectMany(r => r.State.Expiring).Any(e => e.Kind == Expiring.Types.Kind.Root && e.EndsAt > now.ToUnixTimeSeconds());
        foreach (var expiring in report.Replicas.SelectMany(r => r.State.Expiring.Select(e => (e.Kind, e.Name, e.BeginsAt, e.EndsAt))).Distinct().OrderBy(e => e.Kind).ThenBy(e => e.EndsAt))
        {
            var (begins, ends) = (DateTimeOffset.FromUnixTimeSeconds(expiring.BeginsAt), DateTimeOffset.FromUnixTimeSeconds(expiring.EndsAt));
            var subject = expiring.Kind switch { Expiring.Types.Kind.Issuer => "issuer", Expiring.Types.Kind.Root => "root", _ => "server" };
            var says = ends <= now ? $"{expiring.Name} ended on {Text.Moment(ends)}" : $"{expiring.Name} ends in {Text.Span(ends - now)}, on {Text.Moment(ends)}";
            if (hasRoot && ends <= now && expiring.Kind == Expiring.Types.Kind.Root)
            {
                yield return CheckResult.Warning(subject, says, "another root holds: take this one out of the authority's certificates");
                continue;
            }

            yield return new CheckResult(
                ends <= now ? CheckOutcome.Failed : ExpiryMargin.IsNear(begins, ends, now) ? CheckOutcome.Warning : CheckOutcome.Ok, subject, says,
                ExpiryMargin.IsNear(begins, ends, now) ? Advice(expiring.Kind) : "");
        }
    }

    private static IEnumerable<CheckResult> TokenKey(MeshReport report, DateTimeOffset now)
    {
        if (report.Replicas[0].State.TokenKeyMadeAt is > 0 and var made)
        {
            var age = now - DateTimeOffset.FromUnixTimeSeconds(made);
            yield return age > OldTokenKey
                ? CheckResult.Warning("token key", $"{Text.Span(age)} old", "exchange it: meshctl token rotate-key --data-dir DIR")
                : CheckResult.Ok("token key", $"{Text.Span(age)} old");
        }
    }

    private static string Advice(Expiring.Types.Kind kind) => kind switch
    {
        Expiring.Types.Kind.Issuer => "exchange the signing certificate before then: no certificate it signs outlives it",
        Expiring.Types.Kind.Root => "rotate the root before then (meshctl ca rotate): with it all certificates under it end",
        _ => "it is made anew by itself, but never to outlive its issuer: look at that",
    };

    private static IEnumerable<CheckResult> Sidecars(MeshReport report, DateTimeOffset now)
    {
        yield return CheckResult.Ok("sidecars", $"{report.Sidecars.Count} connected");
        var near = report.Sidecars.Where(s => IsNear(s, now)).OrderBy(s => s.CertificateEndsAt).ToList();
        yield return near.Count == 0
            ? CheckResult.Ok("certificates", "all of the sidecars connected are renewed in time")
            : CheckResult.Warning(
                "certificates", Text.Some(near.Select(s => $"{NameOf(s)} ends in {Text.Span(DateTimeOffset.FromUnixTimeSeconds(s.CertificateEndsAt) - now)}")),
                "they should have been renewed by now: the sidecars' logs (CertifyFailed) say why not");
        if (report.Sidecars.Where(s => !s.Current && s.Refused.Count == 0).ToList() is { Count: > 0 } behind)
        {
            yield return CheckResult.Warning("sidecars", $"behind with their configuration: {Text.Some(behind.Select(NameOf))}", "check again in a minute; one that stays behind is stuck: restart it");
        }
    }

    private static IEnumerable<CheckResult> Configuration(MeshReport report)
    {
        var refused = report.Sidecars.Where(s => s.Refused.Count > 0).ToList();
        foreach (var reasons in refused.GroupBy(s => s.Refused[0], StringComparer.Ordinal))
        {
            yield return CheckResult.Failed("configuration", $"refused by {Text.Some(reasons.Select(NameOf))}: {reasons.Key}", "the version before stays in force there; correct the resource it comes from");
        }

        foreach (var problem in report.Problems)
        {
            var isInvalid = problem.Condition == "Invalid";
            yield return new CheckResult(
                isInvalid ? CheckOutcome.Failed : CheckOutcome.Warning, "configuration", $"{problem.Resource}: {problem.Message}",
                isInvalid ? "correct it; its last good version, if there was one, stays in force" : "it has no effect, or not all of it");
        }

        if (report.Replicas[0].State.FurtherProblems is > 0 and var further)
        {
            yield return CheckResult.Warning("configuration", $"{further} problems more", "the control plane's log has all of them");
        }

        if (refused.Count == 0 && !report.Problems.Any())
        {
            yield return CheckResult.Ok("configuration", "everything is accepted");
        }
    }

    /// <summary>Whether a sidecar should have renewed its certificate by now.</summary>
    public static bool IsNear(SidecarState sidecar, DateTimeOffset now) => ExpiryMargin.IsNear(
        DateTimeOffset.FromUnixTimeSeconds(sidecar.CertificateBeginsAt), DateTimeOffset.FromUnixTimeSeconds(sidecar.CertificateEndsAt), now);

    private static string Name(IEnumerable<SidecarState> sidecars)
    {
        var names = sidecars.Select(s => $"{NameOf(s)} ({(s.Version.Length > 0 ? s.Version : "?")})").ToList();
        return $"{Text.Some(names)} {(names.Count == 1 ? "is" : "are")}";
    }

    private static string NameOf(SidecarState sidecar) => $"{MeshReport.NamespaceOf(sidecar)}/{sidecar.Workload}";

    // What does not parse ("test", "1.2-rc1+x") counts by its numbers, or as older than anything.
    private static Version Parse(string version) =>
        System.Version.TryParse(version.Split('-', '+')[0], out var parsed) ? new Version(parsed.Major, parsed.Minor, Math.Max(parsed.Build, 0)) : new Version(0, 0, 0);
}
