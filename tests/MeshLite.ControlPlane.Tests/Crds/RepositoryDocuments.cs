using System.Text.RegularExpressions;
using MeshLite.ControlPlane.Tests.Compile;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>All documents that are written anywhere in this repository, for people or for tests.</summary>
internal static partial class RepositoryDocuments
{
    /// <summary>Texts of one or more documents each, and where they stand.</summary>
    public static IEnumerable<(string Name, string Yaml)> All() =>
    [
        .. Directory.GetDirectories(GoldenTests.GoldenDirectory()).Order(StringComparer.Ordinal).Select(d => (Path.GetFileName(d), File.ReadAllText(Path.Combine(d, "input.yaml")))),
        .. Directory.GetFiles(Path.Combine(Crd.Root(), "demo", "config"), "*.yaml").Select(f => (f, File.ReadAllText(f))),
        .. Directory.GetFiles(Path.Combine(Crd.Root(), "manifests", "samples"), "*.yaml").Select(f => (f, File.ReadAllText(f))),
        .. Example().Matches(File.ReadAllText(Path.Combine(Crd.Root(), "README.md"))).Select((m, i) => ($"README.md example {i}", m.Groups["yaml"].Value)),
    ];

    [GeneratedRegex("```yaml\n(?<yaml>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
