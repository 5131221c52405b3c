namespace MeshLite.Demo.Claims;

/// <summary>One claim and what was measured for it. Serialised as it stands into results.json.</summary>
/// <param name="Claim">Its name.</param>
/// <param name="Holds">Whether the measurement bears it out.</param>
/// <param name="Measured">Names and figures.</param>
internal sealed record ClaimResult(string Claim, bool Holds, IReadOnlyDictionary<string, object?> Measured);
