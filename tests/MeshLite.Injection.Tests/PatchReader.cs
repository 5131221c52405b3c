using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshLite.Injection.Tests;

/// <summary>Applies a patch as RFC 6902 §4 says, written by the text of it and not by our writer.</summary>
internal static class PatchReader
{
    public static JsonNode Apply(JsonNode document, JsonArray patch)
    {
        var root = new JsonObject { ["root"] = document.DeepClone() };
        foreach (var operation in patch)
        {
            var tokens = ("/root" + operation!["path"]!.GetValue<string>()).Split('/')[1..]
                .Select(token => token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)).ToArray();
            JsonNode parent = root;
            foreach (var token in tokens[..^1])
            {
                parent = (parent is JsonArray list ? list[int.Parse(token, CultureInfo.InvariantCulture)] : parent[token])
                    ?? throw new InvalidOperationException($"{operation["path"]}: no such parent");
            }

            Apply(operation["op"]!.GetValue<string>(), parent, tokens[^1], operation["value"]);
        }

        return root["root"]!;
    }

    private static void Apply(string op, JsonNode parent, string name, JsonNode? value)
    {
        if (parent is JsonArray list)
        {
            var at = int.Parse(name, CultureInfo.InvariantCulture);
            if (op is "remove" or "replace")
            {
                list.RemoveAt(at);
            }

            if (op is "add" or "replace")
            {
                list.Insert(at, value?.DeepClone());
            }

            return;
        }

        var map = (JsonObject)parent;
        if (op is "remove" or "replace" && !map.ContainsKey(name))
        {
            throw new InvalidOperationException($"{op} {name}: not there");
        }

        if (op == "remove")
        {
            map.Remove(name);
        }
        else
        {
            map[name] = value?.DeepClone();
        }
    }
}
