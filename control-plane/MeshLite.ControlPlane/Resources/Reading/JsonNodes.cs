using System.Collections.Immutable;
using System.Text.Json;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// JSON of the API server to a <see cref="Node"/> tree, so that own kinds pass the same strict readers as YAML. Depth is bounded by
/// the parser that made the <see cref="JsonElement"/> (64 unless it says otherwise) and here once more; size by <see cref="YamlReader.MaxNodes"/>.
/// JSON from the wire has no lines worth telling: every node is in line 1. Pure.
/// </summary>
internal static class JsonNodes
{
    /// <summary>The whole tree; null, and why, for one too deep or too large, or with text that is no Unicode (half of a pair: <c>"\ud800"</c>).</summary>
    public static Node? Read(JsonElement json, out string? problem)
    {
        var left = YamlReader.MaxNodes;
        Node? node;
        try
        {
            node = Read(json, 0, ref left);
        }
        catch (InvalidOperationException)
        {
            problem = "text that is no Unicode";
            return null;
        }

        problem = node is null ? left < 0 ? $"more than {YamlReader.MaxNodes} values" : $"nested deeper than {YamlReader.MaxDepth} levels" : null;
        return node;
    }

    /// <summary>
    /// A custom resource as its reader wants it: of the metadata only name and namespace (all else there is the API server's, or other
    /// people's), without status, which says nothing about what is wanted. Everything else is handed on as it is.
    /// </summary>
    public static Node? ReadObject(JsonElement json, out string? problem)
    {
        if (Read(json, out problem) is not { } node)
        {
            return null;
        }

        return node is MapNode map
            ? map with { Fields = [.. map.Fields.Where(f => f.Name != "status").Select(f => f.Name == "metadata" ? f with { Value = OwnMetadata(f.Value) } : f)] }
            : node;
    }

    private static Node OwnMetadata(Node metadata) =>
        metadata is MapNode map ? map with { Fields = [.. map.Fields.Where(f => f.Name is "name" or "namespace")] } : metadata;

    private static Node? Read(JsonElement json, int depth, ref int left)
    {
        if (--left < 0 || depth > YamlReader.MaxDepth)
        {
            return null;
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var fields = ImmutableArray.CreateBuilder<FieldNode>();
                foreach (var property in json.EnumerateObject())
                {
                    if (Read(property.Value, depth + 1, ref left) is not { } value)
                    {
                        return null;
                    }

                    fields.Add(new FieldNode(property.Name, 1, value));
                }

                return new MapNode(1, fields.ToImmutable());
            case JsonValueKind.Array:
                var items = ImmutableArray.CreateBuilder<Node>(json.GetArrayLength());
                foreach (var element in json.EnumerateArray())
                {
                    if (Read(element, depth + 1, ref left) is not { } item)
                    {
                        return null;
                    }

                    items.Add(item);
                }

                return new ListNode(1, items.ToImmutable());
            default:
                return new ScalarNode(1, KindOf(json), json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText());
        }
    }

    private static ScalarKind KindOf(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => ScalarKind.Text,
        JsonValueKind.Number => json.GetRawText().AsSpan().ContainsAny('.', 'e', 'E') ? ScalarKind.Number : ScalarKind.Integer,
        JsonValueKind.True or JsonValueKind.False => ScalarKind.Boolean,
        _ => ScalarKind.Null,
    };
}
