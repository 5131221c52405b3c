using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>The two patch formats with an RFC. Pure: answers a new document.</summary>
internal static class JsonPatches
{
    /// <summary>RFC 7396.</summary>
    public static JsonNode? Merge(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes)
        {
            return patch?.DeepClone();
        }

        var result = target is JsonObject old ? old.DeepClone().AsObject() : [];
        foreach (var (name, value) in changes)
        {
            if (value is null)
            {
                result.Remove(name);
            }
            else
            {
                result[name] = Merge(result[name], value);
            }
        }

        return result;
    }

    /// <summary>RFC 6902, as webhooks answer: add, remove, replace, test, copy, move.</summary>
    public static JsonObject Apply(JsonObject target, JsonArray operations)
    {
        JsonNode root = target.DeepClone();
        foreach (var operation in operations)
        {
            var path = (string)operation!["path"]!;
            switch ((string?)operation["op"])
            {
                case "add":
                    Add(ref root, path, operation["value"]?.DeepClone());
                    break;
                case "replace":
                    Get(root, path);
                    Remove(root, path);
                    Add(ref root, path, operation["value"]?.DeepClone());
                    break;
                case "remove":
                    Remove(root, path);
                    break;
                case "copy":
                    Add(ref root, path, Get(root, (string)operation["from"]!)?.DeepClone());
                    break;
                case "move":
                    var moved = Get(root, (string)operation["from"]!)?.DeepClone();
                    Remove(root, (string)operation["from"]!);
                    Add(ref root, path, moved);
                    break;
                case "test":
                    if (!JsonNode.DeepEquals(Get(root, path), operation["value"]))
                    {
                        throw ApiError.BadRequest($"JSON patch: test of {path} failed");
                    }

                    break;
                case var other:
                    throw ApiError.BadRequest($"JSON patch: unknown op {other}");
            }
        }

        return root.AsObject();
    }

    private static void Add(ref JsonNode root, string path, JsonNode? value)
    {
        if (path.Length == 0)
        {
            root = value!;
            return;
        }

        var (parent, last) = ParentOf(root, path);
        if (parent is JsonArray array)
        {
            array.Insert(last == "-" ? array.Count : Index(array, last, path, array.Count), value);
        }
        else
        {
            parent.AsObject()[last] = value;
        }
    }

    private static void Remove(JsonNode root, string path)
    {
        var (parent, last) = ParentOf(root, path);
        if (parent is JsonArray array)
        {
            array.RemoveAt(Index(array, last, path, array.Count - 1));
        }
        else if (!parent.AsObject().Remove(last))
        {
            throw Missing(path);
        }
    }

    private static JsonNode? Get(JsonNode root, string path)
    {
        if (path.Length == 0)
        {
            return root;
        }

        var (parent, last) = ParentOf(root, path);
        return parent is JsonArray array ? array[Index(array, last, path, array.Count - 1)]
            : parent.AsObject().TryGetPropertyValue(last, out var found) ? found
            : throw Missing(path);
    }

    private static (JsonNode Parent, string Last) ParentOf(JsonNode root, string path)
    {
        var parts = path.Split('/').Skip(1).Select(p => p.Replace("~1", "/").Replace("~0", "~")).ToArray();
        var node = root;
        foreach (var part in parts[..^1])
        {
            node = (node is JsonArray array ? array[Index(array, part, path, array.Count - 1)] : (node as JsonObject)?[part]) ?? throw Missing(path);
        }

        return node is JsonObject or JsonArray ? (node, parts[^1]) : throw Missing(path);
    }

    private static int Index(JsonArray array, string text, string path, int max) =>
        int.TryParse(text, out var index) && index >= 0 && index <= max && array.Count >= 0 ? index : throw Missing(path);

    private static ApiError Missing(string path) => ApiError.BadRequest($"JSON patch: nothing at {path}");
}
