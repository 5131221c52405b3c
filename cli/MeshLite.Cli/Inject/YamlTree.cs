using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace MeshLite.Cli.Inject;

/// <summary>
/// A YAML document as a tree of its own nodes, each with the style it was written in, so that what a patch does not touch is written as it was read.
/// Aliases and merge keys are spelled out: a patch of one place must not change another. Pure.
/// </summary>
internal static class YamlTree
{
    /// <value>Values, aliases spelled out: more than any manifest, and an end to those that grow without bound. 200,000.</value>
    private const int MaxNodes = 200_000;

    private const string MergeKey = "<<";

    // YAML 1.1, as kubectl reads it.
    private static readonly HashSet<string> True = new(StringComparer.Ordinal) { "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y" };
    private static readonly HashSet<string> False = new(StringComparer.Ordinal) { "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N" };
    private static readonly HashSet<string> Null = new(StringComparer.Ordinal) { "", "~", "null", "Null", "NULL" };

    /// <summary>Reads one document; null: it is empty.</summary>
    public static YamlNode? Load(string text)
    {
        if (text.Split('\n').All(line => line.Trim() is "" or ['%' or '#', ..]))
        {
            return null; // directives stand before the marker
        }

        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        var left = MaxNodes;
        return stream.Documents.Count == 0 ? null : Copy(stream.Documents[0].RootNode, ref left);
    }

    /// <summary>Writes one, without markers.</summary>
    public static string Write(YamlNode tree)
    {
        var text = new StringBuilder();
        using (var writer = new StringWriter(text))
        {
            writer.NewLine = "\n";
            new YamlStream(new YamlDocument(tree)).Save(new Emitter(writer, EmitterSettings.Default.WithBestWidth(int.MaxValue)), assignAnchors: false);
        }

        var written = text.ToString();
        return written.EndsWith("...\n", StringComparison.Ordinal) ? written[..^"...\n".Length] : written;
    }

    /// <summary>What it says, as kubectl would send it.</summary>
    public static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(field => KeyValuePair.Create(KeyOf(field.Key), ToJson(field.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: var text } => Resolve(text ?? ""),
        YamlScalarNode { Value: var text } => text ?? "",
        _ => throw new FormatException($"line {node.Start.Line}: {node.NodeType} is not expected here"),
    };

    /// <summary>The reverse, in plain style where that reads back as the same.</summary>
    public static YamlNode FromJson(JsonNode? json) => json switch
    {
        null => new YamlScalarNode("null") { Style = ScalarStyle.Plain },
        JsonObject map => new YamlMappingNode(map.Select(field => KeyValuePair.Create<YamlNode, YamlNode>(Text(field.Key), FromJson(field.Value)))),
        JsonArray list => new YamlSequenceNode(list.Select(FromJson)),
        _ when json.GetValueKind() == System.Text.Json.JsonValueKind.String => Text(json.GetValue<string>()),
        _ => new YamlScalarNode(json.ToJsonString()) { Style = ScalarStyle.Plain },
    };

    /// <summary>The name of a field.</summary>
    public static string KeyOf(YamlNode key) => key is YamlScalarNode { Value: { } name } ? name : throw new FormatException($"line {key.Start.Line}: a field's name must be a text");

    private static YamlScalarNode Text(string text) => new(text)
    {
        Style = text.Contains('\n', StringComparison.Ordinal) ? ScalarStyle.Literal : IsPlain(text) ? ScalarStyle.Plain : ScalarStyle.DoubleQuoted,
    };

    // Letters first, and nothing that means something in YAML: fewer than could be, and surely right.
    private static bool IsPlain(string text) =>
        text is [var first, ..] && (char.IsAsciiLetter(first) || first == '/') && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_')
        && Resolve(text)?.GetValueKind() == System.Text.Json.JsonValueKind.String;

    private static JsonNode? Resolve(string text) =>
        Null.Contains(text) ? null
        : True.Contains(text) ? true
        : False.Contains(text) ? false
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole
        : text.Any(char.IsAsciiDigit) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
        : text;

    private static YamlNode Copy(YamlNode node, ref int left)
    {
        if (--left < 0)
        {
            throw new FormatException($"more than {MaxNodes} values");
        }

        switch (node)
        {
            case YamlScalarNode scalar:
                return new YamlScalarNode(scalar.Value) { Style = scalar.Style };
            case YamlSequenceNode list:
                var copied = new YamlSequenceNode { Style = list.Style };
                foreach (var item in list.Children)
                {
                    copied.Add(Copy(item, ref left));
                }

                return copied;
            case YamlMappingNode map:
                return CopyMap(map, ref left);
            default:
                throw new FormatException($"line {node.Start.Line}: {node.NodeType} is not expected here");
        }
    }

    private static YamlMappingNode CopyMap(YamlMappingNode map, ref int left)
    {
        var copied = new YamlMappingNode { Style = map.Style };
        foreach (var (key, value) in map.Children.Where(field => !IsMerge(field.Key)))
        {
            copied.Add(Copy(key, ref left), Copy(value, ref left));
        }

        // https://yaml.org/type/merge.html: what the map itself says wins, then the earlier of several.
        foreach (var (_, value) in map.Children.Where(field => IsMerge(field.Key)))
        {
            foreach (var merged in value is YamlSequenceNode list ? list.Children : [value])
            {
                foreach (var (key, inherited) in CopyMap(merged as YamlMappingNode ?? throw new FormatException($"line {value.Start.Line}: {MergeKey} takes maps"), ref left).Children)
                {
                    copied.Children.TryAdd(key, inherited);
                }
            }
        }

        return copied;
    }

    private static bool IsMerge(YamlNode key) => key is YamlScalarNode { Style: ScalarStyle.Plain, Value: MergeKey };
}
