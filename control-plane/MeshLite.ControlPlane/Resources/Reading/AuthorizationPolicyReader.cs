using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// Reads <see cref="AuthorizationPolicyResource"/>. A list that is written must have entries: left out it means "any", and empty it would
/// mean "none" to some. Pure.
/// </summary>
internal static class AuthorizationPolicyReader
{
    private const int MaxRules = 128;
    private const int MaxItems = 256;

    /// <summary>Reads what follows the metadata.</summary>
    public static Resource? Read(FieldReader document, ResourceHead head) =>
        document.RequiredObject("spec", spec =>
        {
            spec.Unsupported("targetRef", "targetRefs", "provider");
            var byDefault = new AuthorizationPolicyResource { Key = head.Key, Origin = head.Origin };
            return byDefault with
            {
                Selector = spec.Object("selector", ReadSelector)?.Labels ?? byDefault.Selector,
                Action = spec.OneOf("action", nameof(AuthorizationAction.Allow), nameof(AuthorizationAction.Deny), nameof(AuthorizationAction.Audit)) is { } action
                    ? Enum.Parse<AuthorizationAction>(action) : byDefault.Action,
                Rules = spec.Objects("rules", 0, MaxRules, ReadRule),
            };
        });

    private static SelectorResource ReadSelector(FieldReader selector)
    {
        selector.Unsupported("matchExpressions");
        return new SelectorResource(selector.Labels("matchLabels", Check.LabelKey, Check.LabelValue) ?? ImmutableSortedDictionary<string, string>.Empty);
    }

    private static AuthorizationRuleConfig ReadRule(FieldReader rule)
    {
        rule.Unsupported("when");
        var from = rule.Object("from", ReadFrom) ?? new AuthorizationRuleConfig();
        return rule.Object("to", to => ReadTo(to, from)) ?? from;
    }

    private static AuthorizationRuleConfig ReadFrom(FieldReader from)
    {
        from.Unsupported("notPrincipals", "notNamespaces", "ipBlocks", "requestPrincipals");
        DemandSome(from, "principals", "namespaces");
        return new AuthorizationRuleConfig
        {
            Principals = Texts(from, "principals", Check.Principal),
            Namespaces = Texts(from, "namespaces", Check.NamespacePattern),
        };
    }

    private static AuthorizationRuleConfig ReadTo(FieldReader to, AuthorizationRuleConfig rule)
    {
        to.Unsupported("notPorts", "notMethods", "notPaths", "hosts");
        DemandSome(to, "ports", "methods", "paths");
        return rule with
        {
            Ports = to.Values<int>("ports", 1, MaxItems, PortOf, "a port from 1 to 65535") ?? [],
            Methods = Texts(to, "methods", Check.Method),
            Paths = Texts(to, "paths", Check.PathPattern),
        };
    }

    private static ImmutableArray<string> Texts(FieldReader fields, string name, Func<string, string?> check) =>
        fields.Has(name) ? fields.Texts(name, MaxItems, check, min: 1) : [];

    private static void DemandSome(FieldReader fields, params string[] names)
    {
        if (!names.Any(fields.Has))
        {
            fields.Error("", $"must have at least one of {string.Join(", ", names)}; without it, leave it out");
        }
    }

    private static int? PortOf(ScalarNode node) =>
        node.Kind == ScalarKind.Integer && int.TryParse(node.Text, out var port) && port is > 0 and <= ushort.MaxValue ? port : null;

    private sealed record SelectorResource(ImmutableSortedDictionary<string, string> Labels);
}
