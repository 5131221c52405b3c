using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Leadership;

/// <summary>
/// Takes part in the election of one leader among replicas, by a Lease. The one that leads stops before another can begin, whatever the clocks say: each
/// measures by its own, from what it saw itself.
/// </summary>
public sealed class LeaderElector(KubernetesClient client, LeaderElectionOptions options, TimeProvider time, Random random, ILogger logger)
{
    /// <summary>Whether we lead, by the clock: true only while nobody else can.</summary>
    public bool IsLeader => throw new NotImplementedException();

    /// <summary>Whom we last saw holding the Lease; null: nobody. For people.</summary>
    public string? Holder => throw new NotImplementedException();

    /// <summary>
    /// Runs until cancelled. Each time we are elected, <paramref name="lead"/> is called; its token is cancelled before the Lease can be another's. We
    /// are a candidate again only when it has returned, and if it returns (or throws) by itself, the Lease is given up. Released on a clean stop.
    /// </summary>
    public Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellation) => throw new NotImplementedException();
}

/// <summary>Which Lease, and its times.</summary>
public sealed record LeaderElectionOptions
{
    /// <summary>The Lease.</summary>
    public required ObjectKey Lease { get; init; }

    /// <summary>Name of this replica, for people: the pod's. What makes it unique is added.</summary>
    public required string Identity { get; init; }

    /// <summary>Time without a renewal, as seen from elsewhere, after which the Lease may be taken. <value>Default 12 s, whole seconds.</value></summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>Time since the last renewal was sent after which we stop leading. <value>Default 8 s; below <see cref="LeaseDuration"/>.</value></summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest time between renewals, and between looks of those who wait. <value>Default 2 s.</value></summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}
