using MeshLite.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Leadership;

/// <summary>
/// Takes part in the election of one leader among replicas, by a Lease, after client-go's leaderelection. The one that leads stops before another can begin,
/// whatever the clocks say: a leader counts <see cref="LeaderElectionOptions.RenewDeadline"/> from when it sent the renewal that was accepted last, a candidate
/// the longer <see cref="LeaderElectionOptions.LeaseDuration"/> from when it saw that renewal, which is later. It takes clocks that run at about the same speed
/// (within LeaseDuration / RenewDeadline), and processes that are not suspended: one that was looks at <see cref="IsLeader"/> before it writes. Nobody can
/// take back a request that is on its way: what a leader writes should name the resourceVersion it is based on.
/// <para>One task runs it; <see cref="IsLeader"/> and <see cref="Holder"/> are for anyone.</para>
/// </summary>
public sealed class LeaderElector(KubernetesClient client, LeaderElectionOptions options, TimeProvider time, Random random, ILogger logger)
{
    private const long NotLeading = 0;

    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    private readonly string _identity = $"{options.Identity}_{Guid.NewGuid():N}";
    private readonly LeaseObservation _observed = new(time, options.LeaseDuration);
    private long _leadsUntil = NotLeading;
    private volatile string? _holder;

    /// <summary>How the Lease names us: unique, also among restarts of one pod.</summary>
    public string Identity => _identity;

    /// <summary>Whether we lead, by the clock: true only while nobody else can.</summary>
    public bool IsLeader => Volatile.Read(ref _leadsUntil) is var until && until != NotLeading && time.GetTimestamp() < until;

    /// <summary>Whom we last saw holding the Lease; null: nobody. For people.</summary>
    public string? Holder => _holder;

    /// <summary>
    /// Runs until cancelled. Each time we are elected, <paramref name="lead"/> is called; its token is cancelled before the Lease can be another's. We
    /// are a candidate again only when it has returned, and if it returns (or throws) by itself, the Lease is given up. Released on a clean stop.
    /// </summary>
    /// <param name="lead">Must not block, and must end soon when its token is cancelled.</param>
    /// <param name="cancellation">Stops taking part.</param>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var (lease, sentAt) = await AcquireAsync(cancellation);
                await LeadAsync(lease, sentAt, lead, cancellation);
                await PauseAsync(options.RetryPeriod, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    /// <summary>Waits until the Lease is ours; with when the write that made it so was sent.</summary>
    private async Task<(Lease Lease, long SentAt)> AcquireAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var lease = await WithinAsync(token => client.FindAsync(ResourceTypes.Leases, options.Lease, token), cancellation);
                See(lease);
                if (_observed.Holder == _identity || _observed.Remaining <= TimeSpan.Zero)
                {
                    var sentAt = time.GetTimestamp();
                    var ours = await WithinAsync(
                        token => lease is null
                            ? client.CreateAsync(ResourceTypes.Leases, Taken(new Lease { Metadata = new ObjectMeta { Namespace = options.Lease.Namespace, Name = options.Lease.Name } }), token)
                            : client.ReplaceAsync(ResourceTypes.Leases, Taken(lease), token),
                        cancellation);
                    See(ours);
                    return (ours, sentAt);
                }
            }
            catch (KubernetesException error) when (error.Reason is KubernetesReason.Conflict or KubernetesReason.AlreadyExists)
            {
                // Another was faster; the next look shows who.
            }
            catch (Exception error) when (KubernetesException.IsServerFailure(error))
            {
                LeadershipLog.LeaseFailed(logger, options.Lease, error.Message);
            }

            // To the moment, so that a crash leaves no more than the Lease's duration without a leader.
            var wait = options.RetryPeriod;
            await PauseAsync(_observed.Remaining is var remaining && remaining > TimeSpan.Zero && remaining < wait ? remaining : wait * (0.8 + (0.2 * random.NextDouble())), cancellation);
        }
    }

    private async Task LeadAsync(Lease lease, long sentAt, Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        var left = options.RenewDeadline - time.GetElapsedTime(sentAt);
        if (left <= TimeSpan.Zero)
        {
            return;
        }

        // With a time from the start: only then later ones go by the same clock.
        using var deadline = new CancellationTokenSource(left, time);
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        Volatile.Write(ref _leadsUntil, DeadlineOf(sentAt));
        LeadershipLog.Elected(logger, _identity, options.Lease);
        var work = StartAsync(lead, leading.Token);
        try
        {
            lease = await RenewAsync(lease, work, deadline, leading.Token);
        }
        finally
        {
            Volatile.Write(ref _leadsUntil, NotLeading);
            // Not CancelAsync: what hears of the end should do so before we go on.
#pragma warning disable MA0045
            leading.Cancel();
#pragma warning restore MA0045
            await work;
        }

        await ReleaseAsync(lease);
    }

    /// <summary>Renews until the work or the leadership ends; answers the Lease as last seen as ours.</summary>
    private async Task<Lease> RenewAsync(Lease lease, Task work, CancellationTokenSource deadline, CancellationToken leading)
    {
        while (true)
        {
            try
            {
                var pause = Task.Delay(options.RetryPeriod * (0.8 + (0.2 * random.NextDouble())), time, leading);
                if (await Task.WhenAny(work, pause) == work || leading.IsCancellationRequested)
                {
                    if (deadline.IsCancellationRequested)
                    {
                        LeadershipLog.Deposed(logger, _identity, $"no renewal succeeded for {options.RenewDeadline.TotalSeconds:0.#} s");
                    }

                    return lease;
                }

                var sentAt = time.GetTimestamp();
                lease = await WithinAsync(token => client.ReplaceAsync(ResourceTypes.Leases, Renewed(lease), token), leading);
                See(lease);
                // Order matters: a token that is cancelled stays so, and then IsLeader must not come back.
                if (!leading.IsCancellationRequested && options.RenewDeadline - time.GetElapsedTime(sentAt) is var left && left > TimeSpan.Zero)
                {
                    deadline.CancelAfter(left);
                    Volatile.Write(ref _leadsUntil, DeadlineOf(sentAt));
                }
            }
            catch (KubernetesException error) when (error.Reason == KubernetesReason.Conflict)
            {
                // Another's, or a renewal of ours whose answer got lost.
                if (await LookAsync(leading) is not { } found)
                {
                    return lease;
                }

                lease = found;
            }
            catch (KubernetesException error) when (error.Reason == KubernetesReason.NotFound)
            {
                LeadershipLog.Deposed(logger, _identity, "the Lease was deleted");
                return lease;
            }
            catch (OperationCanceledException) when (leading.IsCancellationRequested)
            {
            }
            catch (Exception error) when (KubernetesException.IsServerFailure(error))
            {
                LeadershipLog.LeaseFailed(logger, options.Lease, error.Message);
            }
        }
    }

    /// <summary>The Lease as it is, if it is still ours; null: it is another's, or the time is over.</summary>
    private async Task<Lease?> LookAsync(CancellationToken leading)
    {
        while (!leading.IsCancellationRequested)
        {
            try
            {
                var lease = await WithinAsync(token => client.FindAsync(ResourceTypes.Leases, options.Lease, token), leading);
                See(lease);
                if (lease?.Spec.HolderIdentity == _identity)
                {
                    return lease;
                }

                LeadershipLog.Deposed(logger, _identity, $"the Lease is held by {lease?.Spec.HolderIdentity ?? "nobody"}");
                return null;
            }
            catch (Exception error) when (KubernetesException.IsServerFailure(error))
            {
                LeadershipLog.LeaseFailed(logger, options.Lease, error.Message);
                await Task.WhenAny(Task.Delay(options.RetryPeriod / 2, time, leading));
            }
            catch (OperationCanceledException) when (leading.IsCancellationRequested)
            {
                break;
            }
        }

        return null;
    }

    /// <summary>So that another need not wait. Only at the version we know: whatever happened since is somebody else's.</summary>
    private async Task ReleaseAsync(Lease lease)
    {
        if (lease.Spec.HolderIdentity != _identity)
        {
            return;
        }

        using var limit = new CancellationTokenSource(ReleaseLimit, time);
        try
        {
            // As client-go leaves it: no holder, the shortest duration the server takes.
            var released = lease with { Spec = lease.Spec with { HolderIdentity = null, LeaseDurationSeconds = 1, RenewTime = time.GetUtcNow() } };
            See(await client.ReplaceAsync(ResourceTypes.Leases, released, limit.Token));
            LeadershipLog.Released(logger, _identity);
        }
        catch (Exception error) when (error is OperationCanceledException || KubernetesException.IsServerFailure(error))
        {
            // It expires.
        }
    }

    private async Task StartAsync(Func<CancellationToken, Task> lead, CancellationToken leading)
    {
        try
        {
            await lead(leading);
        }
        catch (OperationCanceledException) when (leading.IsCancellationRequested)
        {
        }
        catch (Exception error)
        {
            LeadershipLog.LeadingFailed(logger, error, _identity);
        }
    }

    /// <summary>One try takes at most half of the deadline, so that there is another.</summary>
    private async Task<TResult> WithinAsync<TResult>(Func<CancellationToken, Task<TResult>> send, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(options.RenewDeadline / 2, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return await send(limit.Token);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {options.RenewDeadline.TotalSeconds / 2:0.#} s", error);
        }
    }

    private Lease Taken(Lease lease) => lease with
    {
        Spec = lease.Spec with
        {
            HolderIdentity = _identity,
            LeaseDurationSeconds = (int)Math.Ceiling(options.LeaseDuration.TotalSeconds),
            AcquireTime = time.GetUtcNow(),
            RenewTime = time.GetUtcNow(),
            LeaseTransitions = (lease.Spec.LeaseTransitions ?? -1) + 1,
        },
    };

    private Lease Renewed(Lease lease) => lease with { Spec = lease.Spec with { RenewTime = time.GetUtcNow() } };

    private void See(Lease? lease)
    {
        _observed.See(lease);
        if (_holder != _observed.Holder && _observed.Holder is { } holder && holder != _identity)
        {
            LeadershipLog.HolderSeen(logger, options.Lease, holder);
        }

        _holder = _observed.Holder;
    }

    private long DeadlineOf(long sentAt) => sentAt + (long)(options.RenewDeadline.TotalSeconds * time.TimestampFrequency);

    private Task PauseAsync(TimeSpan length, CancellationToken cancellation) => Task.Delay(length, time, cancellation);
}
