using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a rule's <c>filters</c> (Gateway API HTTPRouteFilter): the two header modifiers. Pure.</summary>
internal static class FilterReader
{
    private const int MaxFilters = 16;
    private const int MaxHeaders = 16;
    private const string RequestType = "RequestHeaderModifier";
    private const string ResponseType = "ResponseHeaderModifier";

    private static readonly string[] LaterTypes = ["URLRewrite", "RequestRedirect", "RequestMirror", "Fault", "CORS", "ExtensionRef"];
    private static readonly string[] LaterFields = ["urlRewrite", "requestRedirect", "requestMirror", "fault", "cors", "extensionRef"];

    /// <summary>Reads them.</summary>
    public static Filters Read(FieldReader rule)
    {
        var filters = rule.Objects("filters", 0, MaxFilters, ReadFilter);
        foreach (var type in filters.GroupBy(f => f.Type).Where(g => g.Key.Length > 0 && g.Count() > 1))
        {
            rule.Error("filters", $"{type.Key} is given twice");
        }

        return new Filters(
            filters.FirstOrDefault(f => f.Type == RequestType)?.Modifier,
            filters.FirstOrDefault(f => f.Type == ResponseType)?.Modifier);
    }

    private static Filter ReadFilter(FieldReader filter)
    {
        var type = filter.RequiredText("type", type =>
            type is RequestType or ResponseType ? null
            : LaterTypes.Contains(type, StringComparer.Ordinal) ? $"{type} is not supported by this version (only {RequestType} or {ResponseType})"
            : $"is '{type}', must be {RequestType} or {ResponseType}");
        if (type.Length == 0)
        {
            // One complaint, about the type, is enough.
            filter.Ignore([.. LaterFields, "requestHeaderModifier", "responseHeaderModifier"]);
            return new Filter("", null);
        }

        return new Filter(type, filter.RequiredObject(type == RequestType ? "requestHeaderModifier" : "responseHeaderModifier", ReadModifier));
    }

    private static HeaderModifierConfig ReadModifier(FieldReader modifier)
    {
        var config = new HeaderModifierConfig
        {
            Set = ReadHeaders(modifier, "set"),
            Add = ReadHeaders(modifier, "add"),
            Remove = modifier.Texts("remove", MaxHeaders, Check.ChangeableHeaderName),
        };
        // The Gateway API leaves open which wins.
        var names = config.Set.Select(h => h.Name).Concat(config.Add.Select(h => h.Name)).Concat(config.Remove);
        foreach (var name in names.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
        {
            modifier.Error("", $"the header {name.Key} stands there twice");
        }

        return config;
    }

    private static ImmutableArray<HeaderConfig> ReadHeaders(FieldReader modifier, string field) =>
        [
            .. modifier.Objects(field, 0, MaxHeaders, header => new Header(
                header.RequiredText("name", Check.ChangeableHeaderName), header.RequiredText("value", Check.HeaderValue)))
                .Select(h => new HeaderConfig(h.Name, h.Value)),
        ];

    /// <summary>A rule's filters.</summary>
    internal readonly record struct Filters(HeaderModifierConfig? Request, HeaderModifierConfig? Response);

    private sealed record Filter(string Type, HeaderModifierConfig? Modifier);

    private sealed record Header(string Name, string Value);
}
