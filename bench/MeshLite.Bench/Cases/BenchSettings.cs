using System.Globalization;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Bench.Cases;

/// <summary>What the environment says of a run. Immutable.</summary>
/// <param name="RoundDuration"><c>BENCH_SECONDS</c>: how long a pair is loaded in a round. <value>Whole seconds; default 8.</value></param>
/// <param name="Rounds"><c>BENCH_ROUNDS</c>. <value>Default 3; at least 1.</value></param>
/// <param name="Cases"><c>BENCH_CASES</c>, by comma. <value>Default all.</value></param>
/// <param name="Pairs"><c>BENCH_PAIRS</c>, by comma. <value>Default all.</value></param>
internal sealed record BenchSettings(TimeSpan RoundDuration, int Rounds, IReadOnlyList<string> Cases, IReadOnlyList<string> Pairs)
{
    public static BenchSettings Read(IReadOnlyList<string> pairs) => new(
        TimeSpan.FromSeconds(Number("BENCH_SECONDS", 8)),
        Number("BENCH_ROUNDS", 3),
        Names("BENCH_CASES", [.. BenchCase.All.Select(c => c.Name), BenchCase.Memory]),
        Names("BENCH_PAIRS", pairs));

    /// <summary>
    /// The builds of MeshLite to measure: this one, named <c>meshlite</c>, and those of <c>BENCH_BUILDS</c>, <c>NAME=DIRECTORY</c> by
    /// comma, each directory the <c>out/</c> of another working tree. Two builds compare within one run and not otherwise.
    /// </summary>
    /// <exception cref="ProcessFailedException">A part of <c>BENCH_BUILDS</c> is no <c>NAME=DIRECTORY</c>.</exception>
    public static IReadOnlyList<(string Name, string Programs)> Builds() =>
    [
        ("meshlite", Path.Combine(MeshPrograms.RepositoryRoot(), "out")),
        .. (Environment.GetEnvironmentVariable("BENCH_BUILDS") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(build => build.Split('=', 2, StringSplitOptions.TrimEntries) is [{ Length: > 0 } name, { Length: > 0 } directory]
                ? (name, Path.GetFullPath(directory))
                : throw new ProcessFailedException($"BENCH_BUILDS: '{build}' is no NAME=DIRECTORY")),
    ];

    private static int Number(string variable, int otherwise) => Environment.GetEnvironmentVariable(variable) switch
    {
        null or "" => otherwise,
        var text when int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number > 0 => number,
        var text => throw new ProcessFailedException($"{variable}: '{text}' is no whole number above 0"),
    };

    private static IReadOnlyList<string> Names(string variable, IReadOnlyList<string> all)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } text)
        {
            return all;
        }

        var names = text.Split(',', StringSplitOptions.TrimEntries);
        return names.FirstOrDefault(n => !all.Contains(n)) is { } unknown
            ? throw new ProcessFailedException($"{variable}: there is no '{unknown}'; there are {string.Join(", ", all)}")
            : names;
    }
}
