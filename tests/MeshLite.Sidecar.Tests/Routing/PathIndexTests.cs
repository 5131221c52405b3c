using System.Collections.Immutable;
using FsCheck.Fluent;
using FsCheck;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Routing;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class PathIndexTests
{
    private static readonly Gen<string> Paths = Gen.Elements("/", "/a", "/b", "/ab", "//", "/%41").ListOf()
        .Select(parts => parts.Count == 0 ? "/" : string.Concat(parts.Take(5)).Replace("//", "/"));

    private static readonly Gen<PathMatchConfig?> PathMatches = Gen.OneOf(
        Paths.Select(path => (PathMatchConfig?)new PathMatchConfig(PathMatchType.Exact, path)),
        Paths.Select(path => (PathMatchConfig?)new PathMatchConfig(PathMatchType.PathPrefix, path)),
        Paths.Select(path => (PathMatchConfig?)new PathMatchConfig(PathMatchType.RegularExpression, path + ".*")),
        Gen.Constant((PathMatchConfig?)null));

    private static readonly Gen<RouteMatchConfig> Matches =
        from path in PathMatches
        from method in Gen.Elements(null, null, "GET", "POST")
        from header in Gen.Elements(null, null, "x", "y")
        from query in Gen.Elements(null, null, "1", "2")
        select new RouteMatchConfig
        {
            Rule = 0,
            Path = path,
            Method = method,
            Headers = header is null ? [] : [new ValueMatchConfig(ValueMatchType.Exact, "h", header)],
            Query = query is null ? [] : [new ValueMatchConfig(ValueMatchType.Exact, "q", query)],
        };

    private static readonly Gen<(string Method, string Path, string Header, string Query)> Heads =
        from method in Gen.Elements("GET", "POST", "PUT")
        from path in Paths
        from header in Gen.Elements("x", "y", "")
        from query in Gen.Elements("q=1", "q=2", "")
        select (method, path, header, query);

    [Fact]
    public void Find_AnyTableAndRequests_AgreesWithTryingOneAfterTheOther() =>
        Prop.ForAll(Matches.ListOf().ToArbitrary(), Heads.ListOf(20).ToArbitrary(), (matches, heads) =>
        {
            // Each match leads to a rule of its own, so that the rule tells which match it was; any order of precedence.
            var config = new DestinationConfig
            {
                Authority = "orders",
                Kind = DestinationKind.Service,
                Matches = [.. matches.Select((match, i) => match with { Rule = i })],
                Rules = [.. matches.Select((_, i) => new RouteRuleConfig { Name = $"{i}" })],
            };
            RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), useIndex: true, out var indexed, out _).ShouldBeTrue();
            RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), useIndex: false, out var linear, out _).ShouldBeTrue();
            foreach (var (method, path, header, query) in heads)
            {
                var headers = new HeaderDictionary { ["h"] = header };
                var normal = PathNormalizer.Normalize(path).Path;
                linear.TryMatch(new RequestHead(method, normal, query, headers), out var expected);
                indexed.TryMatch(new RequestHead(method, normal, query, headers), out var found);
                found?.Rule.Name.ShouldBe(expected?.Rule.Name);
                (found is null).ShouldBe(expected is null);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryMatch_ManyMatches_AllocatesNothing()
    {
        var config = new DestinationConfig
        {
            Authority = "orders",
            Kind = DestinationKind.Service,
            Matches =
            [
                .. Enumerable.Range(0, 100).Select(i => new RouteMatchConfig
                {
                    Rule = 0,
                    Path = new PathMatchConfig(i % 2 == 0 ? PathMatchType.Exact : PathMatchType.PathPrefix, $"/p{i}/x"),
                    Query = i % 5 == 0 ? [new ValueMatchConfig(ValueMatchType.Exact, "q", "1")] : [],
                }),
                new RouteMatchConfig { Rule = 0, Path = new PathMatchConfig(PathMatchType.RegularExpression, "/r[0-9]+"), Query = [new ValueMatchConfig(ValueMatchType.RegularExpression, "q", "[0-9]+")] },
            ],
            Rules = [new RouteRuleConfig { Name = "r" }],
        };
        RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), out var table, out _).ShouldBeTrue();
        var headers = new HeaderDictionary();
        MatchSome(table, headers, 1).ShouldBe(3);

        Allocations.Of(() => MatchSome(table, headers, 100)).ShouldBe(0);
    }

    private static int MatchSome(RouteTable table, HeaderDictionary headers, int rounds)
    {
        var matched = 0;
        for (var i = 0; i < rounds; i++)
        {
            matched += table.TryMatch(new RequestHead("GET", "/p50/x", "p=0&q=%31", headers), out _) ? 1 : 0;
            matched += table.TryMatch(new RequestHead("GET", "/p51/x/y", "q=1", headers), out _) ? 1 : 0;
            matched += table.TryMatch(new RequestHead("GET", "/r17", "q=12", headers), out _) ? 1 : 0;
            matched += table.TryMatch(new RequestHead("GET", "/none", "", headers), out _) ? 1 : 0;
        }

        return matched;
    }
}
