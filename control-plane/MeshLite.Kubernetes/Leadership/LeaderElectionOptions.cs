namespace MeshLite.Kubernetes.Leadership;

/// <summary>Which Lease, and its times. All replicas should have the same.</summary>
public sealed record LeaderElectionOptions
{
    /// <summary>The Lease.</summary>
    public required ObjectKey Lease { get; init; }

    /// <summary>Name of this replica, for people: the pod's. What makes it unique is added.</summary>
    public required string Identity { get; init; }

    /// <summary>
    /// Time without a renewal, as seen from elsewhere, after which the Lease may be taken. <value>Default 12 s, whole seconds. Not the customary 15: a
    /// candidate sees the last renewal up to a <see cref="RetryPeriod"/> late, and leadership is to move within 15 s of a crash.</value>
    /// </summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>Time since the last renewal was sent after which we stop leading. <value>Default 8 s; below <see cref="LeaseDuration"/>.</value></summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest time between renewals, and between looks of those who wait. <value>Default 2 s.</value></summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}
