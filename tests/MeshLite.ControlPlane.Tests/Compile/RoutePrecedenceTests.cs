using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Compile;

public sealed class RoutePrecedenceTests
{
    private static readonly Gen<RouteMatch> Matches =
        from path in Gen.Elements(
            null, new PathMatchConfig(PathMatchType.Exact, "/a"), new PathMatchConfig(PathMatchType.Exact, "/abc"), new PathMatchConfig(PathMatchType.PathPrefix, "/a"),
            new PathMatchConfig(PathMatchType.PathPrefix, "/a/b"), new PathMatchConfig(PathMatchType.RegularExpression, "/.*"))
        from method in Gen.Elements(null, "GET")
        from headers in Gen.Choose(0, 2)
        from query in Gen.Choose(0, 2)
        select new RouteMatch
        {
            Path = path,
            Method = method,
            Headers = [.. Enumerable.Range(0, headers).Select(i => new ValueMatchConfig(ValueMatchType.Exact, $"h{i}", "v"))],
            Query = [.. Enumerable.Range(0, query).Select(i => new ValueMatchConfig(ValueMatchType.Exact, $"q{i}", "v"))],
        };

    private static readonly Gen<CandidateMatch[]> Candidates =
        from routes in Matches.ArrayOf(3).ArrayOf(2).ArrayOf(3)
        select routes.SelectMany((rules, r) =>
        {
            var route = new TrafficRouteResource
            {
                Key = new ResourceKey(ResourceKind.TrafficRoute, "shop", $"r{r % 2}"),
                Origin = new ResourceOrigin("f.yaml", r / 2, 1),
                Parents = [],
                Rules = [.. rules.Select(m => new RouteRule { Matches = [.. m] })],
            };
            return rules.SelectMany((matches, i) => matches.Select((m, j) => new CandidateMatch(m, route, i, j)));
        }).ToArray();

    [Fact]
    public void Compare_IsATotalOrderIndependentOfInputOrder() =>
        Prop.ForAll(
            (from candidates in Candidates from shuffled in Gen.Shuffle(candidates) select (candidates, shuffled)).ToArbitrary(),
            both =>
            {
                var a = both.candidates.Order(RoutePrecedence.Instance).ToArray();
                var b = both.shuffled.Order(RoutePrecedence.Instance).ToArray();
                return a.SequenceEqual(b) && a.Index().All(x => a.Index().All(y =>
                    Math.Sign(RoutePrecedence.Instance.Compare(x.Item, y.Item)) == x.Index.CompareTo(y.Index)));
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Compare_GatewayApiOrder()
    {
        var route = new TrafficRouteResource { Key = new(ResourceKind.TrafficRoute, "shop", "r"), Origin = default, Parents = [], Rules = [] };
        RouteMatch[] ordered =
        [
            new() { Path = new(PathMatchType.Exact, "/a"), Method = "GET" },
            new() { Path = new(PathMatchType.Exact, "/a/b") },
            new() { Path = new(PathMatchType.RegularExpression, "/a.*") },
            new() { Path = new(PathMatchType.PathPrefix, "/a/b") },
            new() { Path = new(PathMatchType.PathPrefix, "/a"), Method = "GET" },
            new() { Path = new(PathMatchType.PathPrefix, "/a"), Headers = [V("a"), V("b")] },
            new() { Path = new(PathMatchType.PathPrefix, "/a"), Headers = [V("a")], Query = [V("a"), V("b")] },
            new() { Path = new(PathMatchType.PathPrefix, "/a"), Headers = [V("a")], Query = [V("a")] },
            new() { Path = new(PathMatchType.PathPrefix, "/a"), Query = [V("a")] },
            new() { Method = "GET" },
            new() { Headers = [V("a")] },
            new(),
        ];

        var candidates = ordered.Select((m, i) => new CandidateMatch(m, route, 0, ordered.Length - i)).Reverse();

        candidates.Order(RoutePrecedence.Instance).Select(c => c.Match).ShouldBe(ordered);

        static ValueMatchConfig V(string name) => new(ValueMatchType.Exact, name, "v");
    }
}
