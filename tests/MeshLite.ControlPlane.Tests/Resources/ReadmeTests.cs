using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;

namespace MeshLite.ControlPlane.Tests.Resources;

/// <summary>What README.md promises is what the readers read.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "README.md"));

    [Fact]
    public void Examples_OfDocuments_AreValid()
    {
        var blocks = Yaml().Matches(Readme).Select(m => m.Groups["yaml"].Value).ToArray();

        blocks.Length.ShouldBeGreaterThanOrEqualTo(3);
        foreach (var block in blocks)
        {
            var result = YamlReader.Read(block);
            result.Problem.ShouldBeNull();
            result.Documents.SelectMany((d, i) => DocumentReader.Read(d, "README.md", i).Errors).ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData("TrafficRoute")]
    [InlineData("TrafficPolicy")]
    [InlineData("AuthorizationPolicy")]
    [InlineData("MeshConfig")]
    public void Reference_OfAKind_HasEveryFieldAndNoOther(string kind)
    {
        var section = Readme[Readme.IndexOf($"### {kind}:", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n### ", 4, StringComparison.Ordinal)];
        var told = section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Code().Matches(line.Split('|')[1])).Select(m => m.Groups["code"].Value.Replace("[]", "", StringComparison.Ordinal)).ToArray();
        var fields = FieldCoverageTests.Specs().Where(s => FieldCoverageTests.KindOf(FieldCoverageTests.EveryField[s.Index]) == kind)
            .SelectMany(s => DocumentVariants.Leaves(s.Spec)).Select(leaf => Item().Replace(leaf, "")).Distinct().ToArray();

        fields.Where(field => !told.Any(t => IsWithin(field, t))).ShouldBeEmpty("not in the reference");
        told.Where(t => !fields.Any(field => IsWithin(field, t))).ShouldBeEmpty("no such field");
    }

    private static bool IsWithin(string field, string part) => field == part || field.StartsWith(part + ".", StringComparison.Ordinal);

    private static string Here([CallerFilePath] string source = "") => source;

    [GeneratedRegex("```yaml\n(?<yaml>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Yaml();

    [GeneratedRegex("`(?<code>[^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex Item();
}
