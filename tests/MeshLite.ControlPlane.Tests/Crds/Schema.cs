using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>
/// A structural schema (apiextensions.k8s.io/v1 JSONSchemaProps): of its keywords those that <c>crds/</c> uses. Another keyword is an
/// exception, so that none is believed enforced and is not. CEL rules are kept as text: only an API server evaluates them.
/// </summary>
internal sealed partial record Schema
{
    private static readonly string[] WithoutMeaning = ["description", "x-kubernetes-list-type"];

    /// <summary>Null with <see cref="IntOrString"/>.</summary>
    public string? Type { get; private init; }

    public bool IntOrString { get; private init; }

    public ImmutableSortedDictionary<string, Schema> Properties { get; private init; } = ImmutableSortedDictionary<string, Schema>.Empty;

    public Schema? AdditionalProperties { get; private init; }

    public Schema? Items { get; private init; }

    public ImmutableArray<string> Required { get; private init; } = [];

    /// <summary>Empty: no enum.</summary>
    public ImmutableArray<ScalarNode> Enum { get; private init; } = [];

    public double? Minimum { get; private init; }

    public double? Maximum { get; private init; }

    /// <summary>Of text, list or map.</summary>
    public int? MinSize { get; private init; }

    /// <summary>Of text, list or map.</summary>
    public int? MaxSize { get; private init; }

    public Regex? Pattern { get; private init; }

    public string? Format { get; private init; }

    public Node? Default { get; private init; }

    /// <summary>Fields that tell items of a list apart; none: a list of whatever.</summary>
    public ImmutableArray<string> MapKeys { get; private init; } = [];

    /// <summary>Items are told apart by their value.</summary>
    public bool IsSet { get; private init; }

    public ImmutableArray<Rule> Rules { get; private init; } = [];

    /// <summary>The bounds that a CEL rule gives a duration.</summary>
    public (string Min, string Max)? DurationRange =>
        Rules.Select(r => DurationRule().Match(r.Text)).FirstOrDefault(m => m.Success) is { } match ? (match.Groups[1].Value, match.Groups[2].Value) : null;

    public static Schema Of(Node node)
    {
        var schema = new Schema();
        foreach (var (name, value) in ((MapNode)node).Fields.Select(f => (f.Name, f.Value)))
        {
            schema = name switch
            {
                "type" => schema with { Type = TextOf(value) },
                "properties" => schema with { Properties = ((MapNode)value).Fields.ToImmutableSortedDictionary(f => f.Name, f => Of(f.Value), StringComparer.Ordinal) },
                "additionalProperties" => schema with { AdditionalProperties = Of(value) },
                "items" => schema with { Items = Of(value) },
                "required" => schema with { Required = TextsOf(value) },
                "enum" => schema with { Enum = [.. ((ListNode)value).Items.Cast<ScalarNode>()] },
                "minimum" => schema with { Minimum = NumberOf(value) },
                "maximum" => schema with { Maximum = NumberOf(value) },
                "minLength" or "minItems" or "minProperties" => schema with { MinSize = (int)NumberOf(value) },
                "maxLength" or "maxItems" or "maxProperties" => schema with { MaxSize = (int)NumberOf(value) },
                // Go's $ is the end of the text, .NET's also before its last line break.
                "pattern" => schema with { Pattern = new Regex(DollarAtEnd().Replace(TextOf(value), @"\z"), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant) },
                "format" => schema with { Format = TextOf(value) },
                "default" => schema with { Default = value },
                "x-kubernetes-int-or-string" => schema with { IntOrString = true },
                "x-kubernetes-list-map-keys" => schema with { MapKeys = TextsOf(value) },
                "x-kubernetes-list-type" when TextOf(value) == "set" => schema with { IsSet = true },
                "x-kubernetes-validations" => schema with { Rules = [.. ((ListNode)value).Items.Cast<MapNode>().Select(Rule.Of)] },
                _ when WithoutMeaning.Contains(name, StringComparer.Ordinal) => schema,
                _ => throw new NotSupportedException($"line {node.Line}: the keyword {name}"),
            };
        }

        return schema;
    }

    private static string TextOf(Node node) => ((ScalarNode)node).Text;

    private static ImmutableArray<string> TextsOf(Node node) => [.. ((ListNode)node).Items.Select(TextOf)];

    private static double NumberOf(Node node) => double.Parse(TextOf(node), CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^duration\(self\) >= duration\('(\w+)'\) && duration\(self\) <= duration\('(\w+)'\)$")]
    private static partial Regex DurationRule();

    [GeneratedRegex(@"\$$")]
    private static partial Regex DollarAtEnd();

    /// <summary>A rule in CEL.</summary>
    /// <param name="Text">The expression.</param>
    /// <param name="Field">The field it is reported at, such as <c>.path</c>; null: where the rule stands.</param>
    internal sealed record Rule(string Text, string? Field)
    {
        public static Rule Of(MapNode node) => new(TextOf(node.Find("rule")!.Value), node.Find("fieldPath") is { } field ? TextOf(field.Value) : null);
    }
}
