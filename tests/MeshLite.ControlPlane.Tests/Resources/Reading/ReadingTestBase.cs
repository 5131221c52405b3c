using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

/// <summary>Reads documents from text.</summary>
public abstract class ReadingTestBase
{
    internal static DocumentResult Read(string yaml)
    {
        var result = YamlReader.Read(yaml);
        result.Problem.ShouldBeNull();
        return DocumentReader.Read(result.Documents.ShouldHaveSingleItem(), "f.yaml", 0);
    }

    internal static T ReadGood<T>(string yaml)
        where T : Resource
    {
        var result = Read(yaml);
        result.Errors.ShouldBeEmpty();
        return result.Resource.ShouldBeOfType<T>();
    }

    internal static string[] ReadBad(string yaml)
    {
        var result = Read(yaml);
        result.Resource.ShouldBeNull();
        return [.. result.Errors.Select(e => e.ToString())];
    }

    protected static string Route(string spec) =>
        $"apiVersion: meshlite.dev/v1alpha1\nkind: TrafficRoute\nmetadata: {{name: r, namespace: shop}}\nspec:\n{Indent(spec)}";

    protected static string Rule(string rule) =>
        Route("parentRefs: [{kind: Service, name: orders}]\nrules:\n- " + Indent(rule).Trim());

    protected static string Policy(string spec) =>
        $"apiVersion: meshlite.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: p, namespace: shop}}\nspec:\n  targetRef: {{kind: Service, name: orders}}\n{Indent(spec)}";

    protected static string Mesh(string spec) =>
        $"apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {{name: default}}\nspec:\n{Indent(spec)}";

    protected static string Service(string spec) =>
        $"apiVersion: v1\nkind: Service\nmetadata: {{name: orders, namespace: shop}}\nspec:\n{Indent(spec)}";

    private static string Indent(string text) => string.Join('\n', text.Split('\n').Select(line => "  " + line));
}
