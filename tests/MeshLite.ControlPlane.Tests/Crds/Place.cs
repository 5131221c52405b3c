using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>A value somewhere in a document.</summary>
/// <param name="Path">As in messages: <c>spec.rules[0].name</c>.</param>
/// <param name="Field">The same without places in lists: <c>spec.rules[].name</c>.</param>
/// <param name="Value">What stands there.</param>
/// <param name="With">The document with another value there.</param>
internal sealed record Place(string Path, string Field, Node Value, Func<Node, Node> With)
{
    /// <summary>All places of a document under its spec, and that itself.</summary>
    public static IEnumerable<Place> OfSpec(Node document)
    {
        var map = (MapNode)document;
        var at = map.Fields.IndexOf(map.Find("spec")!);
        return Of(new Place("spec", "spec", map.Fields[at].Value, value => map with { Fields = map.Fields.SetItem(at, map.Fields[at] with { Value = value }) }));
    }

    /// <summary>The document with <paramref name="value"/> as field <paramref name="name"/> of the map here; null takes the field away.</summary>
    public Node WithField(string name, Node? value)
    {
        var map = (MapNode)Value;
        var fields = map.Fields.RemoveAll(f => f.Name == name);
        return With(map with { Fields = value is null ? fields : fields.Add(new FieldNode(name, map.Line, value)) });
    }

    private static IEnumerable<Place> Of(Place place) => place.Value switch
    {
        MapNode map =>
        [
            place,
            .. map.Fields.SelectMany((field, i) => Of(new Place(
                $"{place.Path}.{field.Name}", $"{place.Field}.{field.Name}", field.Value,
                value => place.With(map with { Fields = map.Fields.SetItem(i, field with { Value = value }) })))),
        ],
        ListNode list =>
        [
            place,
            .. list.Items.SelectMany((item, i) => Of(new Place(
                $"{place.Path}[{i}]", $"{place.Field}[]", item, value => place.With(list with { Items = list.Items.SetItem(i, value) })))),
        ],
        _ => [place],
    };
}
