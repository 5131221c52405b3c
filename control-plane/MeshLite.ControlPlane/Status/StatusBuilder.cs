using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Status;

/// <summary>What all replicas together say of one version of a resource.</summary>
/// <param name="Sidecars">Sidecars that have something which rests on it.</param>
/// <param name="Current">Those that hold the newest.</param>
/// <param name="Refused">Those that refused it.</param>
/// <param name="Reason">Why, as one of them says it.</param>
/// <param name="Unheard">Replicas that do not answer.</param>
/// <param name="Behind">Replicas that have yet to see this version.</param>
internal readonly record struct Rollout(int Sidecars, int Current, int Refused, string Reason, int Unheard, int Behind)
{
    /// <summary>Whether one of those that do not answer has not had the time to.</summary>
    public bool IsUndecided { get; init; }

    /// <summary>Adds what one replica says; null: it says nothing of this resource.</summary>
    public Rollout With(ResourceTally? tally, StoredObject item) =>
        tally is null || tally.Generation != item.Generation || tally.CreatedAt != item.CreatedAt.ToUnixTimeSeconds()
            ? this with { Behind = Behind + 1, Sidecars = Sidecars + (tally?.Sidecars ?? 0) }
            : this with
            {
                Sidecars = Sidecars + tally.Sidecars, Current = Current + tally.Current, Refused = Refused + tally.Refused, Reason = Reason is { Length: > 0 } ? Reason : tally.Reason,
            };
}

/// <summary>The status an object should have. Pure.</summary>
internal static class StatusBuilder
{
    /// <summary>
    /// Conditions, their times kept where their status is what it was; null: the index has yet to see this generation. <paramref name="rollout"/> is asked only for
    /// what is in force.
    /// </summary>
    public static ObjectStatus? Build(IndexView view, StoredObject item, Rollout rollout, DateTimeOffset now)
    {
        var refusal = view.Refusals.GetValueOrDefault(item.Key);
        var resource = view.Resources.GetValueOrDefault(item.Key);
        if (refusal?.Generation != item.Generation && (refusal is not null || resource?.Generation != item.Generation || resource.Origin.CreatedAt != item.CreatedAt))
        {
            return null;
        }

        Condition[] ours = refusal is not null ? Refused(refusal, resource is not null) : Judged(item.Key, [.. Diagnostics.Of(view, resource!)], rollout);
        var second = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        return new ObjectStatus(
            item.Generation,
            [
                .. ours.Select(c => c with
                {
                    ObservedGeneration = item.Generation,
                    LastTransitionTime = item.Status[c.Type] is { LastTransitionTime: var since } before && before.Status == c.Status && since != default ? since : second,
                }),
                .. item.Status.Conditions.Where(c => ours.All(o => o.Type != c.Type)),
            ]);
    }

    private static Condition[] Refused(Refusal refusal, bool hasLastGood) =>
    [
        new(Condition.Accepted, Condition.False, "Invalid", string.Join("; ", refusal.Errors.Select(e => e.Field.Length > 0 ? $"{e.Field}: {e.Message}" : e.Message))),
        new(Condition.ResolvedRefs, Condition.Unknown, "Pending", "not looked at: the resource is not accepted"),
        new(Condition.Programmed, Condition.False, "Invalid", hasLastGood ? "not accepted; the last good version stays in force" : "not accepted"),
    ];

    private static Condition[] Judged(ResourceKey key, ResourceProblem[] problems, Rollout rollout)
    {
        var accepted = problems.Where(p => p.Condition == Condition.Accepted).ToArray();
        var refs = problems.Where(p => p.Condition == Condition.ResolvedRefs).ToArray();
        return
        [
            Of(Condition.Accepted, accepted, $"the {key.Kind} holds"),
            Of(Condition.ResolvedRefs, refs, "everything it names exists"),
            accepted.Length > 0 ? new(Condition.Programmed, Condition.False, "Invalid", "not accepted, or not all of it") : Programmed(rollout),
        ];
    }

    private static Condition Of(string type, ResourceProblem[] problems, string otherwise) => problems.Length == 0
        ? new(type, Condition.True, type, otherwise)
        : new(type, Condition.False, problems[0].Reason, string.Join("; ", problems.Select(p => p.Message)));

    private static Condition Programmed(Rollout r)
    {
        var counts = $"{r.Current}/{r.Sidecars} sidecars"
            + (r.Behind > 0 ? $", {Replicas(r.Behind)} not seen this version yet" : "")
            + (r.Unheard > 0 ? $", {r.Unheard} replica{(r.Unheard == 1 ? "" : "s")} not heard" : "");
        return r.Refused > 0 ? new(Condition.Programmed, Condition.False, "Rejected", $"{counts}; {r.Refused} refused it: {r.Reason}")
            : r.Current < r.Sidecars ? new(Condition.Programmed, Condition.False, "Pending", counts)
            : r.Behind + r.Unheard > 0 ? new(Condition.Programmed, Condition.Unknown, "Pending", counts)
            : new(Condition.Programmed, Condition.True, Condition.Programmed, counts);
    }

    private static string Replicas(int count) => count == 1 ? "1 replica has" : $"{count} replicas have";
}
