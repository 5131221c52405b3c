using YamlDotNet.RepresentationModel;

namespace MeshLite.E2E.Fields;

/// <summary>Documents of the cases, and what the tests do to them. Paths name fields under <c>spec</c>, without indexes: <c>rules.retry.codes</c>.</summary>
internal static class Yaml
{
    /// <summary>Sends once to all of orders: rules for cases about policies.</summary>
    public const string Plain = "rules: [{retry: {attempts: 0}, backendRefs: [{name: orders}]}]";

    private const string Calm = "circuitBreaker: {endpoint: {consecutiveFailures: 0, failureRatio: 0, maxEjectedPercent: 0}}";
    private const string Generous = "retryBudget: {percent: 100, minPerSecond: 1000}";

    /// <summary>A TrafficRoute for orders beside a policy under which nothing but the route does anything.</summary>
    public static string Route(string rules) => Route(rules, "{kind: Service, name: orders}") + Policy("");

    /// <summary>As above, attached elsewhere.</summary>
    public static string Route(string rules, string parent) => $$"""
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: case, namespace: shop}
        spec:
          parentRefs: [{{parent}}]
        {{Indented(rules)}}

        """;

    /// <summary>A TrafficPolicy for orders beside a route that does nothing of its own; it has subsets, and only the breakers and budgets that it declares.</summary>
    public static string PolicyCase(string spec) => Route(Plain, "{kind: Service, name: orders}") + Policy(spec);

    /// <summary>The policy alone.</summary>
    public static string Policy(string spec) => $$$"""
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: orders, namespace: shop}
        spec:
          targetRef: {kind: Service, name: orders}
          subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
          {{{(spec.Contains("circuitBreaker:", StringComparison.Ordinal) ? "" : Calm)}}}
          {{{(spec.Contains("retryBudget:", StringComparison.Ordinal) ? "" : Generous)}}}
        {{{Indented(spec)}}}

        """;

    /// <summary>Every single value's path, with its kind, of the documents of these kinds.</summary>
    public static IEnumerable<string> Fields(string documents, params string[] kinds) =>
        Read(documents).Where(d => kinds.Contains(KindOf(d), StringComparer.Ordinal)).SelectMany(d => Leaves(d["spec"], "").Select(path => $"{KindOf(d)} {path}")).Distinct();

    /// <summary>The documents without a field, wherever it stands; null: they don't have it.</summary>
    public static string? Without(string documents, string field)
    {
        var (kind, path) = (field[..field.IndexOf(' ', StringComparison.Ordinal)], field[(field.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        var parsed = Read(documents);
        var removed = parsed.Where(d => KindOf(d) == kind).Select(d => Remove(d["spec"], path)).ToArray();
        if (!removed.Contains(true))
        {
            return null;
        }

        using var text = new StringWriter();
        new YamlStream(parsed.Select(d => new YamlDocument(d))).Save(text, assignAnchors: false);
        return text.ToString();
    }

    private static YamlMappingNode[] Read(string documents)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(documents);
        stream.Load(reader);
        return [.. stream.Documents.Select(d => d.RootNode).OfType<YamlMappingNode>()];
    }

    private static string KindOf(YamlMappingNode document) => ((YamlScalarNode)document["kind"]).Value!;

    private static IEnumerable<string> Leaves(YamlNode node, string path) => node switch
    {
        YamlMappingNode map => map.SelectMany(field => Leaves(field.Value, path.Length == 0 ? $"{field.Key}" : $"{path}.{field.Key}")),
        YamlSequenceNode list => list.SelectMany(item => Leaves(item, path)),
        _ => [path],
    };

    private static bool Remove(YamlNode node, string path)
    {
        if (node is YamlSequenceNode list)
        {
            return list.Aggregate(false, (any, item) => Remove(item, path) | any);
        }

        var dot = path.IndexOf('.', StringComparison.Ordinal);
        var name = new YamlScalarNode(dot < 0 ? path : path[..dot]);
        return node is YamlMappingNode map && map.Children.TryGetValue(name, out var value) && (dot < 0 ? map.Children.Remove(name) : Remove(value, path[(dot + 1)..]));
    }

    private static string Indented(string text) => string.Join('\n', text.Split('\n').Select(line => "  " + line));
}
