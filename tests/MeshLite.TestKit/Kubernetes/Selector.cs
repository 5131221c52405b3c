using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Which objects a list or a watch shows: namespace, labels, fields. Pure.</summary>
internal sealed partial class Selector
{
    private readonly string? _namespace;
    private readonly List<Func<JsonObject, bool>> _terms = [];

    public Selector(ApiKind kind, string? ns, string? labels, string? fields)
    {
        _namespace = ns;
        foreach (var term in Split(labels))
        {
            _terms.Add(LabelTerm(term));
        }

        foreach (var term in Split(fields))
        {
            _terms.Add(FieldTerm(kind, term));
        }
    }

    public bool Matches(JsonObject? json) =>
        json is not null
        && (_namespace is null || (string?)json["metadata"]!["namespace"] == _namespace)
        && _terms.TrueForAll(t => t(json));

    /// <summary>A label selector as JSON has it (<c>matchLabels</c>, <c>matchExpressions</c>).</summary>
    public static bool MatchesSelector(JsonNode? selector, JsonObject? labels)
    {
        foreach (var (key, value) in selector?["matchLabels"] as JsonObject ?? [])
        {
            if ((string?)labels?[key] != (string?)value)
            {
                return false;
            }
        }

        foreach (var expression in selector?["matchExpressions"] as JsonArray ?? [])
        {
            var value = (string?)labels?[(string)expression!["key"]!];
            var values = (expression!["values"] as JsonArray ?? []).Select(v => (string?)v).ToList();
            var holds = (string?)expression["operator"] switch
            {
                "In" => value is not null && values.Contains(value),
                "NotIn" => value is null || !values.Contains(value),
                "Exists" => value is not null,
                "DoesNotExist" => value is null,
                var other => throw ApiError.BadRequest($"\"{other}\" is not a valid label selector operator"),
            };
            if (!holds)
            {
                return false;
            }
        }

        return true;
    }

    private static Func<JsonObject, bool> LabelTerm(string term)
    {
        if (Among().Match(term) is { Success: true } among)
        {
            var values = among.Groups["values"].Value.Split(',', StringSplitOptions.TrimEntries);
            var isIn = among.Groups["op"].Value == "in";
            return json => Label(json, among.Groups["key"].Value) is var value && (isIn ? value is not null && values.Contains(value) : value is null || !values.Contains(value));
        }

        if (Compare(term) is var (key, isEqual, wanted))
        {
            return json => Label(json, key) == wanted == isEqual;
        }

        return term.StartsWith('!') ? json => Label(json, term[1..].Trim()) is null : json => Label(json, term) is not null;
    }

    private static Func<JsonObject, bool> FieldTerm(ApiKind kind, string term)
    {
        if (Compare(term) is not var (field, isEqual, wanted))
        {
            throw ApiError.BadRequest($"invalid field selector: {term}");
        }

        if (field is not ("metadata.name" or "metadata.namespace") && !kind.SelectableFields.Contains(field))
        {
            throw ApiError.BadRequest($"field label not supported: {field}");
        }

        return json =>
        {
            JsonNode? node = json;
            foreach (var part in field.Split('.'))
            {
                node = node?[part];
            }

            return ((string?)node ?? "") == wanted == isEqual;
        };
    }

    private static (string Key, bool IsEqual, string Value)? Compare(string term)
    {
        var at = term.IndexOf('=');
        return at < 0 ? null
            : at > 0 && term[at - 1] == '!' ? (term[..(at - 1)].Trim(), false, term[(at + 1)..].Trim())
            : (term[..at].Trim(), true, term[(at + 1)..].TrimStart('=').Trim());
    }

    private static string? Label(JsonObject json, string key) => (string?)json["metadata"]!["labels"]?[key];

    private static string[] Split(string? terms) => string.IsNullOrEmpty(terms) ? [] : [.. Comma().Split(terms).Select(t => t.Trim())];

    [GeneratedRegex(@"^(?<key>\S+)\s+(?<op>in|notin)\s+\((?<values>[^)]*)\)$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Among();

    // Not those within parentheses.
    [GeneratedRegex(@",(?![^(]*\))", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Comma();
}
