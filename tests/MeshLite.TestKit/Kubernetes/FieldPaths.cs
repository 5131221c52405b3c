using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// The leaves of an object: scalars, empty objects, and lists, which are one leaf each, but for <c>conditions</c> (by <c>type</c>), the ports of a Service's spec
/// (by port and protocol) and <c>ownerReferences</c> (by <c>uid</c>). Pure.
/// </summary>
internal static class FieldPaths
{
    // What the server owns, or what names the object.
    private static readonly HashSet<string> Unowned =
    [
        "apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.resourceVersion", "metadata.generation",
        "metadata.creationTimestamp", "metadata.deletionTimestamp", "metadata.generateName", "metadata.managedFields", "metadata.selfLink",
    ];

    /// <summary>Path → value. The members of an item that name it are leaves too.</summary>
    public static Dictionary<string, JsonNode?> Leaves(JsonObject json)
    {
        var leaves = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        Walk(json, "", leaves);
        return leaves;
    }

    /// <summary>What makes items of that list the same item; null: the list is one value.</summary>
    public static string[]? KeysOf(string path) =>
        path.EndsWith(".conditions", StringComparison.Ordinal) ? ["type"]
        : path == "metadata.ownerReferences" ? ["uid"]
        : path == "spec.ports" ? ["port", "protocol"]
        : null;

    /// <summary>Puts <paramref name="changes"/> over <paramref name="target"/>, in place: objects and keyed lists deep, anything else whole.</summary>
    public static void MergeInto(JsonObject target, JsonObject changes, string path = "")
    {
        foreach (var (name, value) in changes)
        {
            var child = Join(path, name);
            if (value is JsonObject inner && target[name] is JsonObject known)
            {
                MergeInto(known, inner, child);
            }
            else if (value is JsonArray list && target[name] is JsonArray old && KeysOf(child) is { } keys)
            {
                MergeItems(old, list, keys, child);
            }
            else
            {
                target[name] = value?.DeepClone();
            }
        }
    }

    /// <summary>Takes leaves out, in place, and what is left empty by that.</summary>
    public static void Remove(JsonObject target, IReadOnlySet<string> paths) => Prune(target, "", paths);

    private static void Walk(JsonObject json, string path, Dictionary<string, JsonNode?> leaves)
    {
        foreach (var (name, value) in json)
        {
            var child = Join(path, name);
            if (Unowned.Contains(child))
            {
                continue;
            }

            if (value is JsonObject { Count: > 0 } inner)
            {
                Walk(inner, child, leaves);
            }
            else if (value is JsonArray list && KeysOf(child) is { } keys)
            {
                foreach (var item in list.OfType<JsonObject>())
                {
                    Walk(item, ItemPath(child, item, keys), leaves);
                }
            }
            else
            {
                leaves[child] = value;
            }
        }
    }

    private static void MergeItems(JsonArray target, JsonArray changes, string[] keys, string path)
    {
        foreach (var item in changes.OfType<JsonObject>())
        {
            var name = ItemPath(path, item, keys);
            if (target.OfType<JsonObject>().FirstOrDefault(t => ItemPath(path, t, keys) == name) is { } known)
            {
                MergeInto(known, item, name);
            }
            else
            {
                target.Add(item.DeepClone());
            }
        }
    }

    private static void Prune(JsonObject json, string path, IReadOnlySet<string> paths)
    {
        foreach (var (name, value) in json.ToList())
        {
            var child = Join(path, name);
            if (paths.Contains(child))
            {
                json.Remove(name);
            }
            else if (value is JsonObject { Count: > 0 } inner)
            {
                Prune(inner, child, paths);
                if (inner.Count == 0)
                {
                    json.Remove(name);
                }
            }
            else if (value is JsonArray { Count: > 0 } list && KeysOf(child) is { } keys)
            {
                PruneItems(list, child, keys, paths);
                if (list.Count == 0)
                {
                    json.Remove(name);
                }
            }
        }
    }

    private static void PruneItems(JsonArray list, string path, string[] keys, IReadOnlySet<string> paths)
    {
        foreach (var item in list.OfType<JsonObject>().ToList())
        {
            Prune(item, ItemPath(path, item, keys), paths);
            if (item.Count == 0)
            {
                list.Remove(item);
            }
        }
    }

    private static string ItemPath(string path, JsonObject item, string[] keys) => $"{path}[{string.Join(',', keys.Select(k => item[k]?.ToString()))}]";

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
