using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>
/// The operations (RFC 6902) that make one document of another: fields and items that are new, gone or different, and nothing
/// that is the same. Lists are compared from both ends; between what is equal there, items are inserted, removed, or compared in place. Pure.
/// </summary>
public static class JsonPatch
{
    /// <summary>Empty: they are equal.</summary>
    public static JsonArray Between(JsonNode before, JsonNode after)
    {
        var operations = new JsonArray();
        Compare("", before, after, operations);
        return operations;
    }

    private static void Compare(string path, JsonNode? before, JsonNode? after, JsonArray operations)
    {
        if (JsonNode.DeepEquals(before, after))
        {
            return;
        }

        switch (before, after)
        {
            case (JsonObject b, JsonObject a):
                CompareObjects(path, b, a, operations);
                break;
            case (JsonArray b, JsonArray a):
                CompareLists(path, b, a, operations);
                break;
            default:
                operations.Add(Operation("replace", path, after));
                break;
        }
    }

    private static void CompareObjects(string path, JsonObject before, JsonObject after, JsonArray operations)
    {
        foreach (var (name, value) in before)
        {
            if (!after.ContainsKey(name))
            {
                operations.Add(Remove(Child(path, name)));
            }
            else
            {
                Compare(Child(path, name), value, after[name], operations);
            }
        }

        foreach (var (name, value) in after.Where(field => !before.ContainsKey(field.Key)))
        {
            operations.Add(Operation("add", Child(path, name), value));
        }
    }

    private static void CompareLists(string path, JsonArray before, JsonArray after, JsonArray operations)
    {
        var shorter = Math.Min(before.Count, after.Count);
        var head = 0;
        while (head < shorter && JsonNode.DeepEquals(before[head], after[head]))
        {
            head++;
        }

        var tail = 0;
        while (tail < shorter - head && JsonNode.DeepEquals(before[^(tail + 1)], after[^(tail + 1)]))
        {
            tail++;
        }

        // What is left between them: compared in place as far as both go, the rest inserted before it, or removed from its end.
        var (was, @is) = (before.Count - head - tail, after.Count - head - tail);
        var inserted = Math.Max(0, @is - was);
        for (var i = 0; i < inserted; i++)
        {
            operations.Add(Operation("add", $"{path}/{head + i}", after[head + i]));
        }

        for (var i = was; i > @is; i--)
        {
            operations.Add(Remove($"{path}/{head + i - 1}"));
        }

        for (var i = 0; i < Math.Min(was, @is); i++)
        {
            Compare($"{path}/{head + inserted + i}", before[head + i], after[head + inserted + i], operations);
        }
    }

    // RFC 6901 §3.
    private static string Child(string path, string name) =>
        $"{path}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    private static JsonObject Operation(string op, string path, JsonNode? value) => new() { ["op"] = op, ["path"] = path, ["value"] = value?.DeepClone() };

    private static JsonObject Remove(string path) => new() { ["op"] = "remove", ["path"] = path };
}
