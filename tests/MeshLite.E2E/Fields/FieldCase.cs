namespace MeshLite.E2E.Fields;

/// <summary>
/// Documents that set some fields of TrafficRoute and TrafficPolicy, and what shows that each of them is in force: a status,
/// a header, what arrived at which application. Immutable.
/// </summary>
/// <param name="Name">In a few words.</param>
/// <param name="Documents">One text; both kinds are about the service <c>orders</c>.</param>
/// <param name="Probe">Fails where one of the fields does not what it says.</param>
internal sealed record FieldCase(string Name, string Documents, Func<FieldMesh, Task> Probe)
{
    /// <summary>All of them. In which order they are tried is the test runner's business: each leaves the mesh as it may find it.</summary>
    public static IReadOnlyList<FieldCase> All { get; } =
        [.. MatchCases.All, .. FilterCases.All, .. BackendCases.All, .. AttemptCases.All, .. LimitCases.All, .. BalancingCases.All, .. BreakerCases.All];

    /// <summary>Paths under <c>spec</c> of a TrafficRoute that the probe is about.</summary>
    public string[] Route { get; init; } = [];

    /// <summary>The same of a TrafficPolicy.</summary>
    public string[] Policy { get; init; } = [];

    /// <summary>With their kinds.</summary>
    public IEnumerable<string> Fields => [.. Route.Select(f => $"TrafficRoute {f}"), .. Policy.Select(f => $"TrafficPolicy {f}")];
}
