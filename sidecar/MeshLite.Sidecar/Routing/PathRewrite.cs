using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Replaces a path, or the prefix of it that a rule matched (Gateway API HTTPPathModifier). Works on the path in the form that rules
/// match, so that what was matched is what is replaced; without rules by path it is as it was sent. Pure.
/// </summary>
internal static class PathRewrite
{
    /// <summary>The new target: path and, as sent, query.</summary>
    public static string Apply(PathRewriteConfig config, in RequestTarget target, PathMatcher? match)
    {
        var path = config.Type == PathRewriteType.ReplaceFullPath ? config.Value : ReplacePrefix(config.Value, target.Path, match);
        return target.Query.IsEmpty ? WithSlash(path) : $"{WithSlash(path)}?{target.Query}";
    }

    // "/a" to "/b": /a -> /b, /a/c -> /b/c, /a/ -> /b/. To "/": /a/c -> /c. Slashes at either's end do not double.
    private static string ReplacePrefix(string value, ReadOnlySpan<char> path, PathMatcher? match)
    {
        var matched = match is { Type: PathMatchType.PathPrefix } ? match.Value.Length : 0;
        var rest = path[matched..];
        return string.Concat(value.AsSpan().TrimEnd('/'), rest);
    }

    private static string WithSlash(string path) => path.Length == 0 ? "/" : path;
}
