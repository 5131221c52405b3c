using System.Collections.Immutable;
using System.Globalization;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Compile;

/// <summary>Documents that differ from a given one in a single place: a field or item taken away, or a value changed.</summary>
internal static class DocumentVariants
{
    /// <summary>All of them, each with the path of the place, such as <c>rules[0].retry.attempts</c>. Changed values may not be valid.</summary>
    public static IEnumerable<(string Path, Node Variant)> Of(Node node, string path = "") => node switch
    {
        MapNode map => map.Fields.SelectMany((field, i) => OfField(map, field, i, path.Length == 0 ? field.Name : $"{path}.{field.Name}")),
        ListNode list => list.Items.SelectMany((item, i) => OfItem(list, item, i, $"{path}[{i}]")),
        ScalarNode scalar => Changed(scalar).Select(text => (path, (Node)(scalar with { Text = text }))),
        _ => [],
    };

    /// <summary>Paths of all single values.</summary>
    public static IEnumerable<string> Leaves(Node node, string path = "") => node switch
    {
        MapNode map => map.Fields.SelectMany(field => Leaves(field.Value, path.Length == 0 ? field.Name : $"{path}.{field.Name}")),
        ListNode list => list.Items.SelectMany((item, i) => Leaves(item, $"{path}[{i}]")),
        _ => [path],
    };

    private static IEnumerable<(string Path, Node Variant)> OfField(MapNode map, FieldNode field, int index, string path) =>
    [
        (path, map with { Fields = map.Fields.RemoveAt(index) }),
        .. Of(field.Value, path).Select(v => (v.Path, (Node)(map with { Fields = map.Fields.SetItem(index, field with { Value = v.Variant }) }))),
    ];

    private static IEnumerable<(string Path, Node Variant)> OfItem(ListNode list, Node item, int index, string path) =>
    [
        (path, list with { Items = list.Items.RemoveAt(index) }),
        .. Of(item, path).Select(v => (v.Path, (Node)(list with { Items = list.Items.SetItem(index, v.Variant) }))),
    ];

    private static ImmutableArray<string> Changed(ScalarNode scalar) => scalar.Kind switch
    {
        ScalarKind.Integer when long.Parse(scalar.Text, CultureInfo.InvariantCulture) is var number => [$"{number + 1}", $"{number - 1}"],
        ScalarKind.Number => [(double.Parse(scalar.Text, CultureInfo.InvariantCulture) / 2).ToString(CultureInfo.InvariantCulture)],
        ScalarKind.Text => GatewayDuration.TryParse(scalar.Text, out _) ? ["1" + scalar.Text] : [scalar.Text + "x"],
        _ => [],
    };
}
