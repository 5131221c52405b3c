using System.Collections.Concurrent;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.Kubernetes;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// Writes the status of our objects, while this process leads and not a moment longer. It gathers for a moment what may have changed (the objects, the index,
/// tallies of this and other replicas), makes the status each should have, and writes where the one last seen differs. What it writes names the
/// version it is based on. One task, but for the writes of one round, which go beside each other.
/// </summary>
/// <param name="client">To the API server.</param>
/// <param name="publisher">What is compiled.</param>
/// <param name="tally">What this process's sidecars have.</param>
/// <param name="stored">The objects as they were last seen.</param>
/// <param name="peers">Makes what follows the other replicas, while we lead; is given how to wake us.</param>
/// <param name="events">Events.</param>
/// <param name="isLeader">Whether we lead, by the clock: asked before each write.</param>
/// <param name="time">Clock of all waits.</param>
/// <param name="logger">Log.</param>
internal sealed class StatusWriter(
    KubernetesClient client, Publisher publisher, AckTally tally, StoredObjects stored, Func<Action, ReplicaPeers> peers, StatusEvents events, Func<bool> isLeader,
    TimeProvider time, ILogger<StatusWriter> logger)
{
    /// <value>How long changes are gathered before anything is written. 250 ms.</value>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(250);

    /// <value>Between writes of one object. 1 s.</value>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(1);

    /// <value>The same, where only the number of sidecars that all have it is another. 5 s.</value>
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(5);

    /// <value>After a failure. 2 s.</value>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    /// <value>Writes at once. 8.</value>
    private const int Parallelism = 8;

    private int _rounds;

    /// <summary>Rounds that have ended; for tests.</summary>
    internal int Rounds => Volatile.Read(ref _rounds);

    /// <summary>Writes until <paramref name="leading"/> is cancelled.</summary>
    public async Task LeadAsync(CancellationToken leading)
    {
        var wakeup = new Wakeup();
        using var reader = new TallyReader(tally, wakeup.Set);
        await using var others = peers(wakeup.Set);
        await using var clock = time.CreateTimer(_ => wakeup.Set(), null, MinInterval, MinInterval);
        var work = new ConcurrentDictionary<ResourceKey, Work>();
        stored.Begin(wakeup.Set);
        try
        {
            wakeup.Set();
            while (true)
            {
                await wakeup.WaitAsync(leading);
                await Task.Delay(Gather, time, leading);
                await RoundAsync(work, reader, others, leading);
                Interlocked.Increment(ref _rounds);
            }
        }
        finally
        {
            stored.End();
        }
    }

    /// <summary>
    /// One round:
    /// <list type="number">
    /// <item>which objects came or changed</item>
    /// <item>which tallies changed, here and elsewhere; a change of the index may concern any object, and looking costs little</item>
    /// <item>what is due is written</item>
    /// </list>
    /// </summary>
    private async Task RoundAsync(ConcurrentDictionary<ResourceKey, Work> work, TallyReader reader, ReplicaPeers others, CancellationToken leading)
    {
        // Step 1
        foreach (var key in stored.TakeChanged())
        {
            if (stored.Find(key) is null)
            {
                work.TryRemove(key, out _);
            }
            else
            {
                work.GetOrAdd(key, _ => new Work()).IsDirty = true;
            }
        }

        // Step 2
        var view = publisher.Read((view, _) => view);
        await others.FollowAsync(view);
        foreach (var changed in reader.Take())
        {
            if (work.TryGetValue(changed.Key, out var one))
            {
                (one.Local, one.IsDirty) = (changed, true);
            }
        }

        var (everything, keys) = others.TakeChanged();
        foreach (var (key, one) in work)
        {
            one.IsDirty |= everything || !ReferenceEquals(one.Seen, view) || keys.Contains(key);
        }

        // Step 3
        var due = work.Where(w => w.Value.IsDirty && IsOver(w.Value.NotBefore)).ToArray();
        await Parallel.ForEachAsync(
            due, new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = leading },
            async (one, cancellationToken) => await LookAsync(one.Key, one.Value, others, cancellationToken));
    }

    private async Task LookAsync(ResourceKey key, Work work, ReplicaPeers others, CancellationToken leading)
    {
        if (stored.Find(key) is not { } item)
        {
            return;
        }

        var view = publisher.Read((view, _) => view);
        if (work.Local is not { } local || local.Generation != item.Generation || local.CreatedAt != item.CreatedAt.ToUnixTimeSeconds())
        {
            work.Local = local = tally.Count(key);
        }

        var rollout = others.AddTo(default(Rollout).With(local, item), item);
        var desired = StatusBuilder.Build(view, item, rollout, time.GetUtcNow());
        work.Seen = view;
        if (desired is null || desired.Says(item.Status))
        {
            // Not seen by the index yet: that wakes us again.
            work.IsDirty = false;
            return;
        }

        if (rollout.IsUndecided && desired[Condition.Programmed]!.Reason == "Pending")
        {
            // Else every change of the leader would take Programmed from everything for a second.
            return;
        }

        if (work.WrittenAt is { } writtenAt && time.GetElapsedTime(writtenAt) < (IsOnlyCount(item.Status, desired) ? CountInterval : MinInterval))
        {
            return;
        }

        await WriteAsync(item, desired, work, leading);
    }

    private async Task WriteAsync(StoredObject item, ObjectStatus desired, Work work, CancellationToken leading)
    {
        if (!isLeader())
        {
            return;
        }

        try
        {
            work.WrittenAt = time.GetTimestamp();
            var answer = await client.MergePatchStatusAsync(OwnTypes.Of(item.Key.Kind), OwnTypes.KeyOf(item.Key), desired.ToPatch(item.ResourceVersion), leading);
            work.IsDirty = false;
            stored.Put(StoredObject.Of(item.Key, answer));
            StatusLog.StatusWritten(logger, item.Key, desired.ObservedGeneration, desired[Condition.Programmed]!.Message);
            await events.TellAsync(item, desired, work.WasRejected || item.Status[Condition.Programmed]?.Reason == "Rejected", leading);
            work.WasRejected = desired[Condition.Programmed]!.Reason == "Rejected" || (work.WasRejected && desired[Condition.Programmed]!.Status != Condition.True);
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.Conflict)
        {
            // The watch brings what is there now.
            StatusLog.StatusConflict(logger, item.Key);
            work.WrittenAt = null;
            work.NotBefore = After(Gather);
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.NotFound)
        {
            // Gone; should it be there all the same, the watch says so.
            work.IsDirty = false;
        }
        catch (Exception error) when (KubernetesException.IsServerFailure(error))
        {
            StatusLog.StatusFailed(logger, item.Key, error.Message);
            work.NotBefore = After(RetryInterval);
        }
    }

    private static bool IsOnlyCount(ObjectStatus before, ObjectStatus after) =>
        before.ObservedGeneration == after.ObservedGeneration && before[Condition.Programmed]?.Status == Condition.True
        && after.Conditions.All(c => before[c.Type] is { } b && (b.Status, b.Reason, b.ObservedGeneration) == (c.Status, c.Reason, c.ObservedGeneration));

    private long After(TimeSpan wait) => time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency);

    private bool IsOver(long timestamp) => time.GetTimestamp() >= timestamp;

    /// <summary>What is known of one object, while we lead.</summary>
    private sealed class Work
    {
        public bool IsDirty { get; set; } = true;

        public ResourceTally? Local { get; set; }

        /// <summary>The view it was last held against.</summary>
        public object? Seen { get; set; }

        public long? WrittenAt { get; set; }

        public long NotBefore { get; set; } = long.MinValue;

        public bool WasRejected { get; set; }
    }
}
