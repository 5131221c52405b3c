using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace MeshLite.Cli.Inject;

/// <summary>Applies a patch of our own making (RFC 6902: add, replace, remove) to a YAML tree, in place.</summary>
internal static class YamlPatch
{
    /// <summary>Returns the tree.</summary>
    public static YamlNode Apply(YamlNode tree, JsonArray patch)
    {
        foreach (var operation in patch)
        {
            var tokens = operation!["path"]!.GetValue<string>().Split('/')[1..]
                .Select(token => token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)).ToArray();
            var parent = tree;
            foreach (var token in tokens[..^1])
            {
                parent = parent is YamlSequenceNode list ? list.Children[Index(token)] : ((YamlMappingNode)parent).Children[KeyIn((YamlMappingNode)parent, token)!];
            }

            Apply(operation["op"]!.GetValue<string>(), parent, tokens[^1], operation["value"]);
        }

        return tree;
    }

    private static void Apply(string op, YamlNode parent, string name, JsonNode? value)
    {
        if (parent is YamlSequenceNode list)
        {
            switch (op)
            {
                case "add":
                    list.Children.Insert(Index(name), YamlTree.FromJson(value));
                    break;
                case "replace":
                    list.Children[Index(name)] = YamlTree.FromJson(value);
                    break;
                default:
                    list.Children.RemoveAt(Index(name));
                    break;
            }

            return;
        }

        var map = (YamlMappingNode)parent;
        var key = KeyIn(map, name) ?? YamlTree.FromJson(name);
        if (op == "remove")
        {
            map.Children.Remove(key);
        }
        else
        {
            map.Children[key] = YamlTree.FromJson(value);
        }
    }

    private static YamlNode? KeyIn(YamlMappingNode map, string name) => map.Children.Keys.FirstOrDefault(key => YamlTree.KeyOf(key) == name);

    private static int Index(string token) => int.Parse(token, CultureInfo.InvariantCulture);
}
