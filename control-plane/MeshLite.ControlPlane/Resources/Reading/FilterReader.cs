using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a rule's <c>filters</c> (Gateway API HTTPRouteFilter, and Fault). Pure.</summary>
internal static class FilterReader
{
    private const int MaxFilters = 16;

    private static readonly ImmutableArray<FilterType> Types =
    [
        new("RequestHeaderModifier", "requestHeaderModifier", HeaderModifierReader.Read),
        new("ResponseHeaderModifier", "responseHeaderModifier", HeaderModifierReader.Read),
        new("URLRewrite", "urlRewrite", UrlFilterReader.ReadRewrite),
        new("RequestRedirect", "requestRedirect", UrlFilterReader.ReadRedirect),
        new("RequestMirror", "requestMirror", ReadMirror),
        new("Fault", "fault", FaultReader.Read),
    ];

    private static readonly string[] LaterTypes = ["CORS", "ExtensionRef"];
    private static readonly string[] LaterFields = ["cors", "extensionRef"];

    private static readonly string Names = string.Join(", ", Types[..^1].Select(t => t.Name)) + " or " + Types[^1].Name;

    /// <summary>Reads them.</summary>
    public static Filters Read(FieldReader rule)
    {
        var filters = rule.Objects("filters", 0, MaxFilters, ReadFilter);
        foreach (var type in filters.GroupBy(f => f.Type).Where(g => g.Key is not ("" or "RequestMirror") && g.Count() > 1))
        {
            rule.Error("filters", $"{type.Key} is given twice");
        }

        return new Filters(
            Of<HeaderModifierConfig>("RequestHeaderModifier"),
            Of<HeaderModifierConfig>("ResponseHeaderModifier"),
            Of<UrlRewriteConfig>("URLRewrite"),
            Of<RedirectConfig>("RequestRedirect"),
            Of<FaultConfig>("Fault"),
            [.. filters.Select((f, i) => (f.Value as RouteMirror, i)).Where(f => f.Item1 is not null).Select(f => f.Item1! with { Filter = f.i })]);

        T? Of<T>(string type)
            where T : class => filters.FirstOrDefault(f => f.Type == type)?.Value as T;
    }

    private static Filter ReadFilter(FieldReader filter)
    {
        var name = filter.RequiredText("type", name =>
            Types.Any(t => t.Name == name) ? null
            : LaterTypes.Contains(name, StringComparer.Ordinal) ? $"{name} is not supported by this version (only {Names})"
            : $"is '{name}', must be {Names}");
        if (Types.FirstOrDefault(t => t.Name == name) is not { } type)
        {
            // One complaint, about the type, is enough.
            filter.Ignore([.. LaterFields, .. Types.Select(t => t.Field)]);
            return new Filter("", null);
        }

        return new Filter(name, filter.RequiredObject(type.Field, type.Read));
    }

    private static RouteMirror ReadMirror(FieldReader mirror)
    {
        mirror.Unsupported("fraction");
        return new RouteMirror(mirror.RequiredObject("backendRef", BackendRefReader.ReadWhole) ?? BackendRefReader.Nothing, mirror.Number("percent", 0, 100) ?? 100);
    }

    /// <summary>A rule's filters.</summary>
    internal readonly record struct Filters(
        HeaderModifierConfig? Request, HeaderModifierConfig? Response, UrlRewriteConfig? Rewrite, RedirectConfig? Redirect, FaultConfig? Fault,
        ImmutableArray<RouteMirror> Mirrors);

    private sealed record FilterType(string Name, string Field, Func<FieldReader, object> Read);

    private sealed record Filter(string Type, object? Value);
}
