using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads one item of <c>matches</c>. Pure.</summary>
internal static class RouteMatchReader
{
    private const int MaxValues = 16;

    // As the Gateway API lists them (RFC 9110 §9.3, RFC 5789).
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

    /// <summary>Reads it.</summary>
    public static RouteMatch Read(FieldReader match) => new()
    {
        Path = match.Object("path", ReadPath) is { } path && path != EveryPath ? path : null,
        Headers = ReadValues(match, "headers", Check.HeaderName, Check.HeaderValue, StringComparer.OrdinalIgnoreCase),
        Query = ReadValues(match, "queryParams", Check.QueryName, Check.QueryValue, StringComparer.Ordinal),
        Method = match.OneOf("method", Methods),
    };

    // Left out of the model: it matches the targets without a path too (CONNECT, OPTIONS *), as no path at all does.
    private static readonly PathMatchConfig EveryPath = new(PathMatchType.PathPrefix, "/");

    private static PathMatchConfig ReadPath(FieldReader path)
    {
        var type = path.OneOf<PathMatchType>("type") ?? PathMatchType.PathPrefix;
        var value = path.Text("value", value => type == PathMatchType.RegularExpression ? Check.Regex(value, Check.MaxPath) : Check.Path(value)) ?? "/";
        if (type == PathMatchType.RegularExpression)
        {
            path.RequireField("value");
        }

        // "/a/" and "/a" are the same prefix: whole elements are compared.
        return new PathMatchConfig(type, type == PathMatchType.PathPrefix && value.Length > 1 ? value.TrimEnd('/') : value);
    }

    private static ImmutableArray<ValueMatchConfig> ReadValues(
        FieldReader match, string field, Func<string, string?> checkName, Func<string, string?> checkValue, StringComparer names)
    {
        var values = match.Objects(field, 0, MaxValues, value =>
        {
            var type = value.OneOf<ValueMatchType>("type") ?? ValueMatchType.Exact;
            return new ValueMatchConfig(
                type,
                value.RequiredText("name", checkName),
                value.RequiredText("value", text => type == ValueMatchType.RegularExpression ? Check.Regex(text, Check.MaxValue) : checkValue(text)));
        });
        foreach (var name in values.GroupBy(v => v.Name, names).Where(g => g.Count() > 1))
        {
            match.Error(field, $"'{name.Key}' is matched twice");
        }

        return values;
    }
}
