using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>One file of <c>crds/</c>.</summary>
internal sealed record Crd(string Kind, string Plural, bool Namespaced, Schema Schema)
{
    public static readonly string Directory = Path.Combine(Root(), "crds");

    /// <summary>All of them, by kind.</summary>
    public static readonly ImmutableSortedDictionary<string, Crd> All =
        System.IO.Directory.GetFiles(Directory, "*.yaml").Where(f => Path.GetFileName(f) != "kustomization.yaml").Select(Load).ToImmutableSortedDictionary(c => c.Kind, c => c, StringComparer.Ordinal);

    /// <summary>What stands under <c>spec</c>.</summary>
    public Schema Spec => Schema.Properties["spec"];

    /// <summary>The repository's folder.</summary>
    public static string Root([CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", ".."));

    private static Crd Load(string file)
    {
        var result = YamlReader.Read(File.ReadAllText(file));
        result.Problem.ShouldBeNull(file);
        var spec = Find(result.Documents.ShouldHaveSingleItem(file), "spec");
        var version = ((ListNode)Find(spec, "versions")).Items.ShouldHaveSingleItem(file);
        return new Crd(
            Text(spec, "names", "kind"), Text(spec, "names", "plural"), Text(spec, "scope") == "Namespaced",
            Schema.Of(Find(version, "schema", "openAPIV3Schema")));
    }

    private static Node Find(Node node, params string[] path) => path.Aggregate(node, (at, name) => ((MapNode)at).Find(name)!.Value);

    private static string Text(Node node, params string[] path) => ((ScalarNode)Find(node, path)).Text;
}
