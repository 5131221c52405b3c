using System.Text.Json.Serialization;
using MeshLite.Demo.Load;

namespace MeshLite.Demo.Claims;

/// <summary>One claim and what was measured for it. Serialised as it stands into results.json.</summary>
/// <param name="Claim">Its name.</param>
/// <param name="Holds">Whether the measurement bears it out.</param>
/// <param name="Measured">Names and figures.</param>
internal sealed record ClaimResult(string Claim, bool Holds, IReadOnlyDictionary<string, object?> Measured)
{
    /// <summary>The figures that matter most, in a sentence, for people.</summary>
    [JsonIgnore]
    public string Summary { get; init; } = "";

    /// <summary>A result whose load was tallied: its figures and its sentence begin or end with the tally's.</summary>
    public static ClaimResult Of(string claim, bool holds, Tally tally, string summary, Dictionary<string, object?> measured) =>
        new(claim, holds && tally is { Lost: 0, Doubled: 0 }, new Dictionary<string, object?>(tally.Figures().Concat(measured)))
        {
            Summary = $"{summary}; {tally}",
        };
}
