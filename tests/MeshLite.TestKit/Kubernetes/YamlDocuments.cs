using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Reads YAML (and so JSON) documents as JSON, scalars by the core schema of YAML 1.2. Pure.</summary>
internal static class YamlDocuments
{
    public static IEnumerable<JsonObject> Parse(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        return yaml.Documents.Select(d => d.RootNode).OfType<YamlMappingNode>().Select(n => AsRead(ToJson(n)!)).ToList();
    }

    // Nodes made from .NET numbers convert to no other type of number; read ones do.
    private static JsonObject AsRead(JsonNode json) => JsonNode.Parse(json.ToJsonString())!.AsObject();

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, ToJson(c.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => ToJson(plain.Value ?? ""),
        YamlScalarNode quoted => JsonValue.Create(quoted.Value),
        _ => throw new ArgumentException($"YAML that JSON has not: {node}", nameof(node)),
    };

    private static JsonNode? ToJson(string plain) => plain switch
    {
        "" or "null" or "~" => null,
        "true" => true,
        "false" => false,
        _ when long.TryParse(plain, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
        _ when double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        _ => plain,
    };
}
