namespace MeshLite.Demo.Claims;

/// <summary>The claims, in the order they are measured.</summary>
internal static class AllClaims
{
    public static IReadOnlyList<IClaim> List { get; } =
    [
        new MtlsClaim(),
        new SplitClaim(),
        new HeaderClaim(),
        new PolicyChangeClaim(),
        new ControlPlaneKillClaim(),
        new SidecarRestartClaim(),
        new CountersClaim(),
        new RetryClaim(),
        new ExactlyOnceClaim(),
        new TimeoutClaim(),
        new BreakerClaim(),
        new BulkheadClaim(),
        new DeadlineClaim(),
        new TraceClaim(),
    ];
}
