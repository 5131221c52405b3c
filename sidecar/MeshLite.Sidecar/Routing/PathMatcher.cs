using System.Text.RegularExpressions;
using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>The path part of a match, ready to run. Immutable.</summary>
internal sealed class PathMatcher
{
    private readonly Regex? _regex;

    private PathMatcher(PathMatchType type, string value, Regex? regex)
    {
        Type = type;
        Value = value;
        _regex = regex;
    }

    public PathMatchType Type { get; }

    /// <summary>
    /// Exact: the normalised path. Prefix: the normalised path without a slash at its end (<c>/a/</c> and <c>/a</c> are the
    /// same prefix, Gateway API HTTPPathMatch), so empty for <c>/</c>. Expression: as written.
    /// </summary>
    public string Value { get; }

    /// <summary>Null, with a line in <paramref name="problems"/>, where the match cannot be run.</summary>
    public static PathMatcher? Build(PathMatchConfig config, string where, ICollection<string> problems)
    {
        if (config.Type == PathMatchType.RegularExpression)
        {
            if (UserRegex.TryCompile(config.Value, out var regex, out var problem))
            {
                return new PathMatcher(config.Type, config.Value, regex);
            }

            problems.Add($"{where}: path {problem}");
            return null;
        }

        if (!config.Value.StartsWith('/'))
        {
            problems.Add($"{where}: path '{config.Value}' does not begin with a slash");
            return null;
        }

        var value = PathNormalizer.NormalizeRulePath(config.Value);
        return new PathMatcher(config.Type, config.Type == PathMatchType.PathPrefix ? value.TrimEnd('/') : value, null);
    }

    public bool Matches(ReadOnlySpan<char> path) => Type switch
    {
        PathMatchType.Exact => path.SequenceEqual(Value),
        PathMatchType.PathPrefix => IsPrefix(path),
        _ => _regex!.IsMatch(path),
    };

    private bool IsPrefix(ReadOnlySpan<char> path) =>
        Value.Length == 0 || (path.StartsWith(Value, StringComparison.Ordinal) && (path.Length == Value.Length || path[Value.Length] == '/'));
}
