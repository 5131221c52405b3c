namespace MeshLite.Demo;

/// <summary>From the command line. Immutable.</summary>
/// <param name="Break">The claim to sabotage; null: none.</param>
internal sealed record DemoOptions(string? Break)
{
    /// <summary>Parses; null with a reason if it can't.</summary>
    public static DemoOptions? Parse(string[] args, IReadOnlyList<string> claims, out string? error)
    {
        error = null;
        switch (args)
        {
            case []:
                return new DemoOptions((string?)null);
            case ["--break", var claim] when claims.Contains(claim):
                return new DemoOptions(claim);
            case ["--break", var claim]:
                error = $"unknown claim '{claim}': one of {string.Join(", ", claims)}";
                return null;
            default:
                error = $"unknown option '{args[0]}': --break CLAIM";
                return null;
        }
    }
}
