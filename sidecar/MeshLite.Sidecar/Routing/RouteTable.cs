using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// The rules of one destination, ready to run: built by <c>MeshState</c> when a <see cref="DestinationConfig"/> arrives,
/// read by requests, replaced as a whole. Immutable (but for the position of each rule's split); finding a rule
/// allocates nothing.
/// </summary>
internal sealed class RouteTable
{
    /// <summary>Below this many matches trying one after the other is faster than looking up.</summary>
    internal const int IndexFrom = 8;

    private readonly RouteMatchModel[] _matches;
    private readonly PathIndex? _index;

    private RouteTable(RouteMatchModel[] matches, bool useIndex)
    {
        _matches = matches;
        _index = useIndex ? new PathIndex(matches) : null;
        foreach (var match in matches)
        {
            LooksAtPaths |= match.Path is { Type: not PathMatchType.PathPrefix } or { Value.Length: > 0 };
        }
    }

    /// <summary>Some match tells paths apart, so a path of several meanings must be refused (<see cref="RequestTarget.IsAmbiguous"/>).</summary>
    public bool LooksAtPaths { get; }

    /// <summary>
    /// Builds the table. False: <paramref name="problems"/> say what cannot be run, the destination must be refused. Header
    /// modifiers that may not be are left out, and named among the problems of a table that is built all the same.
    /// </summary>
    public static bool TryBuild(DestinationConfig config, AttemptSettings settings, [NotNullWhen(true)] out RouteTable? table, out ImmutableArray<string> problems) =>
        TryBuild(config, settings, useIndex: config.Matches.Length >= IndexFrom, out table, out problems);

    /// <summary>As above; tests compare both ways of finding.</summary>
    internal static bool TryBuild(
        DestinationConfig config, AttemptSettings settings, bool useIndex, [NotNullWhen(true)] out RouteTable? table, out ImmutableArray<string> problems)
    {
        var errors = new List<string>();
        var ignored = new List<string>();
        var rules = ImmutableArray.CreateBuilder<RouteRuleModel>(config.Rules.Length);
        foreach (var rule in config.Rules)
        {
            CheckBackends(rule, config.Backends.Length, errors);
            rules.Add(new RouteRuleModel(
                rule,
                HeaderModifier.Build(rule.RequestHeaders, $"rule '{rule.Name}', request headers", ignored),
                HeaderModifier.Build(rule.ResponseHeaders, $"rule '{rule.Name}', response headers", ignored),
                settings));
        }

        var models = rules.MoveToImmutable();
        var matches = new List<RouteMatchModel>(config.Matches.Length);
        for (var i = 0; i < config.Matches.Length; i++)
        {
            if (RouteMatchModel.Build(config.Matches[i], models, $"match {i}", errors) is { } match)
            {
                matches.Add(match);
            }
        }

        table = errors.Count == 0 ? new RouteTable([.. matches], useIndex) : null;
        problems = [.. errors, .. ignored];
        return table is not null;
    }

    /// <summary>The first match, in the order of the configuration, which leads to its rule; false: <c>no_route</c>.</summary>
    public bool TryMatch(in RequestHead head, [NotNullWhen(true)] out RouteMatchModel? found)
    {
        found = null;
        if (_index is not null)
        {
            var position = _index.Find(in head);
            found = position < 0 ? null : _matches[position];
            return found is not null;
        }

        foreach (var match in _matches)
        {
            if (match.Matches(in head))
            {
                found = match;
                return true;
            }
        }

        return false;
    }

    private static void CheckBackends(RouteRuleConfig rule, int backends, List<string> problems)
    {
        foreach (var (backend, weight) in rule.Backends)
        {
            if (backend < 0 || backend >= backends)
            {
                problems.Add($"rule '{rule.Name}': there is no backend {backend}");
            }

            if (weight < 0)
            {
                problems.Add($"rule '{rule.Name}': weight {weight} is negative");
            }
        }

        if (rule.Fallback?.Backend is { } fallback && (fallback < 0 || fallback >= backends))
        {
            problems.Add($"rule '{rule.Name}': there is no backend {fallback} to fall back to");
        }

        foreach (var mirror in rule.Mirrors)
        {
            if (mirror.Backend < 0 || mirror.Backend >= backends)
            {
                problems.Add($"rule '{rule.Name}': there is no backend {mirror.Backend} to mirror to");
            }
        }
    }
}
