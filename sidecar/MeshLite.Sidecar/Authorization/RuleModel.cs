using System.Collections.Immutable;
using MeshLite.Model;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// One rule, ready to run: all parts that have entries must match, of each part any entry. Immutable.
/// </summary>
internal sealed class RuleModel(AuthorizationRuleConfig config)
{
    private readonly ImmutableArray<TextPattern> _principals = [.. config.Principals.Select(text => new TextPattern(text))];
    private readonly ImmutableArray<TextPattern> _namespaces = [.. config.Namespaces.Select(text => new TextPattern(text))];
    private readonly ImmutableArray<int> _ports = config.Ports;
    private readonly ImmutableArray<string> _methods = config.Methods;
    private readonly ImmutableArray<TextPattern> _paths = [.. config.Paths.Select(text => new TextPattern(text).With(PathNormalizer.NormalizeRulePath))];

    /// <summary>Whether it asks for paths, so that they must be looked at.</summary>
    public bool LooksAtPaths => !_paths.IsEmpty;

    /// <summary>
    /// Whether it matches. What can't be told (methods and paths of TCP, a path that can be read in several ways, how the application
    /// takes case and a slash at the end) counts as <paramref name="inDoubt"/>: no rule that lets in may rely on it, no rule that
    /// keeps out may be got round by it.
    /// </summary>
    public bool Matches(in Call call, bool inDoubt) =>
        Any(_principals, call.Principal) && Any(_namespaces, call.Namespace) && (_ports.IsEmpty || _ports.Contains(call.Port))
        && ((_methods.IsEmpty && _paths.IsEmpty) || (call.Method is null ? inDoubt : MatchesMethod(call.Method, inDoubt) && MatchesPath(in call, inDoubt)));

    private static bool Any(ImmutableArray<TextPattern> patterns, string? text)
    {
        if (patterns.IsEmpty || text is null)
        {
            return patterns.IsEmpty;
        }

        foreach (var pattern in patterns)
        {
            if (pattern.Matches(text))
            {
                return true;
            }
        }

        return false;
    }

    // Methods are case-sensitive (RFC 9110 §9.1), to most servers.
    private bool MatchesMethod(string method, bool inDoubt)
    {
        if (_methods.IsEmpty)
        {
            return true;
        }

        foreach (var own in _methods)
        {
            if (own.Equals(method, inDoubt ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private bool MatchesPath(in Call call, bool inDoubt)
    {
        if (_paths.IsEmpty)
        {
            return true;
        }

        foreach (var path in _paths)
        {
            // "*" takes in whatever the path may be read as.
            if (path.IsAny || (call.PathInDoubt ? inDoubt : inDoubt ? path.MayMatchPath(call.Path) : path.Matches(call.Path)))
            {
                return true;
            }
        }

        return false;
    }
}
