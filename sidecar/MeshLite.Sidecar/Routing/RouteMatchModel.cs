using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>One match of a <see cref="RouteTable"/>, ready to run. Immutable.</summary>
internal sealed class RouteMatchModel
{
    private readonly string? _method;
    private readonly HeaderMatcher[] _headers;
    private readonly QueryMatcher[] _query;

    private RouteMatchModel(RouteRuleModel rule, PathMatcher? path, string? method, HeaderMatcher[] headers, QueryMatcher[] query)
    {
        Rule = rule;
        Path = path;
        _method = method;
        _headers = headers;
        _query = query;
    }

    public RouteRuleModel Rule { get; }

    /// <summary>Null matches every path.</summary>
    public PathMatcher? Path { get; }

    /// <summary>Null, with lines in <paramref name="problems"/>, where a part cannot be run.</summary>
    public static RouteMatchModel? Build(RouteMatchConfig config, ImmutableArray<RouteRuleModel> rules, string where, ICollection<string> problems)
    {
        var before = problems.Count;
        if (config.Rule < 0 || config.Rule >= rules.Length)
        {
            problems.Add($"{where}: there is no rule {config.Rule}");
            return null;
        }

        var path = config.Path is null ? null : PathMatcher.Build(config.Path, where, problems);
        var headers = new List<HeaderMatcher>(config.Headers.Length);
        foreach (var header in config.Headers)
        {
            if (HeaderMatcher.Build(header, where, problems) is { } matcher)
            {
                headers.Add(matcher);
            }
        }

        var query = new List<QueryMatcher>(config.Query.Length);
        foreach (var parameter in config.Query)
        {
            if (QueryMatcher.Build(parameter, where, problems) is { } matcher)
            {
                query.Add(matcher);
            }
        }

        return problems.Count > before ? null : new RouteMatchModel(rules[config.Rule], path, config.Method, [.. headers], [.. query]);
    }

    /// <summary>All parts.</summary>
    public bool Matches(in RequestHead head) => (Path is null || Path.Matches(head.Path)) && MatchesBesidesPath(in head);

    /// <summary>All parts but the path, cheapest first.</summary>
    public bool MatchesBesidesPath(in RequestHead head)
    {
        if (_method is not null && _method != head.Method)
        {
            return false;
        }

        foreach (var header in _headers)
        {
            if (!header.Matches(head.Headers))
            {
                return false;
            }
        }

        foreach (var parameter in _query)
        {
            if (!parameter.Matches(head.Query))
            {
                return false;
            }
        }

        return true;
    }
}
