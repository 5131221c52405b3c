using System.Globalization;
using System.Net;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>What an API server says of a value by its schema, CEL aside: unknown fields refused (<c>fieldValidation=Strict</c>). Pure.</summary>
internal static class SchemaValidator
{
    /// <summary>All that is wrong, each with its path.</summary>
    public static IEnumerable<(string Path, string Problem)> Problems(Schema schema, Node value, string path) =>
        TypeOf(schema, value) is { } wrong ? [(path, wrong)]
        : value switch
        {
            MapNode map => [.. Size(schema, map.Fields.Length, path), .. OfMap(schema, map, path)],
            ListNode list =>
            [
                .. Size(schema, list.Items.Length, path), .. Doubles(schema, list, path),
                .. list.Items.SelectMany((item, i) => Problems(schema.Items!, item, $"{path}[{i}]")),
            ],
            ScalarNode scalar => OfScalar(schema, scalar).Select(problem => (path, problem)),
            _ => [],
        };

    /// <summary>The value with the schema's defaults where fields are absent, from the outside in, as an API server sets them.</summary>
    public static Node WithDefaults(Schema schema, Node value) => value switch
    {
        MapNode map when schema.Type == "object" => map with
        {
            Fields =
            [
                .. map.Fields.Select(f => schema.Properties.TryGetValue(f.Name, out var field) ? f with { Value = WithDefaults(field, f.Value) } : f),
                .. schema.Properties.Where(p => p.Value.Default is not null && map.Find(p.Key) is null)
                    .Select(p => new FieldNode(p.Key, map.Line, WithDefaults(p.Value, p.Value.Default!))),
            ],
        },
        ListNode list when schema.Items is { } items => list with { Items = [.. list.Items.Select(item => WithDefaults(items, item))] },
        _ => value,
    };

    private static string? TypeOf(Schema schema, Node value)
    {
        var kind = (value as ScalarNode)?.Kind;
        var fits = schema.IntOrString ? kind is ScalarKind.Integer or ScalarKind.Text : schema.Type switch
        {
            "object" => value is MapNode,
            "array" => value is ListNode,
            "string" => kind is ScalarKind.Text,
            "integer" => kind is ScalarKind.Integer,
            "number" => kind is ScalarKind.Integer or ScalarKind.Number,
            "boolean" => kind is ScalarKind.Boolean,
            _ => throw new NotSupportedException($"type {schema.Type}"),
        };
        return fits ? null : $"is {value.Description}, not of type {schema.Type}";
    }

    private static IEnumerable<(string Path, string Problem)> OfMap(Schema schema, MapNode map, string path) =>
    [
        .. schema.Required.Where(name => map.Find(name) is null).Select(name => ($"{path}.{name}", "is required")),
        .. map.Fields.SelectMany(field =>
            schema.Properties.GetValueOrDefault(field.Name) is { } known ? Problems(known, field.Value, $"{path}.{field.Name}")
            : schema.AdditionalProperties is { } any ? Problems(any, field.Value, $"{path}.{field.Name}")
            : [($"{path}.{field.Name}", "unknown field")]),
    ];

    private static IEnumerable<string> OfScalar(Schema schema, ScalarNode value)
    {
        if (!schema.Enum.IsEmpty && !schema.Enum.Any(allowed => allowed.Kind == value.Kind && allowed.Text == value.Text))
        {
            yield return "is not one of the enum";
        }

        if (value.Kind == ScalarKind.Text)
        {
            // Kubernetes counts code points.
            var length = value.Text.EnumerateRunes().Count();
            if (length < schema.MinSize || length > schema.MaxSize)
            {
                yield return $"has {length} characters";
            }

            if (schema.Pattern?.IsMatch(value.Text) == false)
            {
                yield return $"does not match {schema.Pattern}";
            }

            if (schema.Format == "cidr" && !IsNetwork(value.Text))
            {
                yield return "is no CIDR";
            }
        }
        else if (value.Kind is ScalarKind.Integer or ScalarKind.Number
            && double.Parse(value.Text, CultureInfo.InvariantCulture) is var number && (number < schema.Minimum || number > schema.Maximum))
        {
            yield return "is out of bounds";
        }
    }

    private static IEnumerable<(string Path, string Problem)> Size(Schema schema, int size, string path) =>
        size < schema.MinSize || size > schema.MaxSize ? [(path, $"has {size} items, must have {schema.MinSize} to {schema.MaxSize}")] : [];

    private static IEnumerable<(string Path, string Problem)> Doubles(Schema schema, ListNode list, string path)
    {
        var keys = schema.IsSet ? list.Items.OfType<ScalarNode>().Select(s => s.Text)
            : schema.MapKeys.IsEmpty ? []
            : list.Items.OfType<MapNode>().Select(m => string.Join('|', schema.MapKeys.Select(key => (m.Find(key)?.Value as ScalarNode)?.Text)));
        return keys.Select((key, i) => (key, i)).GroupBy(k => k.key).SelectMany(g => g.Skip(1)).Select(k => ($"{path}[{k.i}]", $"{k.key} is there twice"));
    }

    // Go's net.ParseCIDR lets bits of the host stand.
    private static bool IsNetwork(string text) =>
        text.Split('/') is [var address, var length] && IPAddress.TryParse(address, out var ip)
        && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits <= 8 * ip.GetAddressBytes().Length;
}
