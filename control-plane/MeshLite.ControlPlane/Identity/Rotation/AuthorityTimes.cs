namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>Times of a rotation. Immutable.</summary>
internal sealed record AuthorityTimes
{
    /// <summary>
    /// How long every sidecar must have the next root, in a row: longer than a sidecar takes to come back (5 s at most between two tries), so that one that is
    /// between two streams is seen before anything is signed by that root; all are after a restart of ours. <value>15 s.</value>
    /// </summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an offered root waits for sidecars that do not take it. <value>1 h.</value></summary>
    public TimeSpan LongestOverlap { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Between looks while something changes. <value>1 s.</value></summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Between looks while nothing does, and nothing is heard. <value>30 s.</value></summary>
    public TimeSpan SteadyInterval { get; init; } = TimeSpan.FromSeconds(30);
}
