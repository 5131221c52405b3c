using System.Collections.Immutable;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Routing;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class RouteTableTests
{
    [Theory]
    [InlineData("/a", "/a", true)]
    [InlineData("/a", "/a/", true)]
    [InlineData("/a", "/a/b", true)]
    [InlineData("/a", "/ab", false)]
    [InlineData("/a", "/", false)]
    [InlineData("/a", "/A", false)]
    [InlineData("/a/", "/a", true)]
    [InlineData("/a/", "/a/b", true)]
    [InlineData("/a/", "/ab", false)]
    [InlineData("/", "/", true)]
    [InlineData("/", "/anything", true)]
    [InlineData("/", "*", true)]
    [InlineData("/caf%c3%a9", "/caf%C3%A9/x", true)]
    public void TryMatch_Prefix_WholeElements(string prefix, string path, bool expected) =>
        BothWays(Match(path: new(PathMatchType.PathPrefix, prefix)), Head(path)).ShouldBe(expected);

    [Theory]
    [InlineData("/a", "/a", true)]
    [InlineData("/a", "/a/", false)]
    [InlineData("/a/", "/a/", true)]
    [InlineData("/a/", "/a", false)]
    [InlineData("/%41", "/A", true)]
    public void TryMatch_Exact_WholePath(string exact, string path, bool expected) =>
        BothWays(Match(path: new(PathMatchType.Exact, exact)), Head(path)).ShouldBe(expected);

    [Theory]
    [InlineData("/v[0-9]+/.*", "/v12/x", true)]
    [InlineData("/v[0-9]+", "/v12/x", false)]
    [InlineData("/a|/b", "/a", true)]
    [InlineData("/a|/b", "/ax", false)]
    [InlineData("/a|/b", "x/b", false)]
    [InlineData("/a", "/a\n", false)]
    public void TryMatch_Expression_IsAnchored(string pattern, string path, bool expected) =>
        BothWays(Match(path: new(PathMatchType.RegularExpression, pattern)), Head(path)).ShouldBe(expected);

    [Fact]
    public void TryMatch_EvilExpression_IsLinear()
    {
        // Backtracking would take 2^50 steps.
        BothWays(Match(path: new(PathMatchType.RegularExpression, "/(a+)+b")), Head("/" + new string('a', 50))).ShouldBeFalse();
    }

    [Theory]
    [InlineData(ValueMatchType.Exact, "true", new[] { "true" }, true)]
    [InlineData(ValueMatchType.Exact, "true", new[] { "TRUE" }, false)]
    [InlineData(ValueMatchType.Exact, "true", new[] { "true", "false" }, false)]
    [InlineData(ValueMatchType.Exact, "a,b", new[] { "a", "b" }, true)]
    [InlineData(ValueMatchType.RegularExpression, "t.*|x", new[] { "true" }, true)]
    [InlineData(ValueMatchType.RegularExpression, "t", new[] { "true" }, false)]
    [InlineData(ValueMatchType.RegularExpression, ".*", new string[0], false)]
    [InlineData(ValueMatchType.Exact, "", new[] { "" }, true)]
    public void TryMatch_Header_Value(ValueMatchType type, string value, string[] sent, bool expected)
    {
        var headers = new HeaderDictionary();
        if (sent.Length > 0)
        {
            headers["X-Canary"] = sent;
        }

        BothWays(Match(headers: [new(type, "x-canary", value)]), new RequestHead("GET", "/", "", headers)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("a", "1", "a=1", true)]
    [InlineData("a", "1", "b=2&a=1", true)]
    [InlineData("a", "1", "a=2&a=1", false)]
    [InlineData("a", "1", "a=1&a=2", true)]
    [InlineData("a", "1", "A=1", false)]
    [InlineData("a", "1", "aa=1", false)]
    [InlineData("a", "1", "a=11", false)]
    [InlineData("a", "11", "a=1", false)]
    [InlineData("a", "", "a", true)]
    [InlineData("a", "", "a=", true)]
    [InlineData("a", "", "", false)]
    [InlineData("", "1", "=1", true)]
    [InlineData("", "", "&&", false)]
    [InlineData("a b", "c/d", "a%20b=c%2fd", true)]
    [InlineData("ä", "€", "%C3%A4=%e2%82%ac", true)]
    [InlineData("ä", "€", "ä=€", true)]
    [InlineData("a", "b+c", "a=b+c", true)]
    [InlineData("a", "b c", "a=b+c", false)]
    [InlineData("a", "100%", "a=100%", true)]
    [InlineData("a", "b=c", "a=b=c", true)]
    [InlineData("a", "%", "a=%25", true)]
    public void TryMatch_Query_Decoded(string name, string value, string query, bool expected) =>
        BothWays(Match(query: [new(ValueMatchType.Exact, name, value)]), Head("/", query)).ShouldBe(expected);

    [Theory]
    [InlineData("[0-9]+|ä", "a=12", true)]
    [InlineData("[0-9]+|ä", "a=%C3%A4", true)]
    [InlineData("[0-9]+|ä", "a=12x", false)]
    [InlineData("[0-9]+|ä", "a=x&a=12", false)]
    [InlineData("[0-9]*", "b=1", false)]
    [InlineData("[0-9]*", "a", true)]
    public void TryMatch_QueryExpression_OnTheDecodedValue(string pattern, string query, bool expected) =>
        BothWays(Match(query: [new(ValueMatchType.RegularExpression, "a", pattern)]), Head("/", query)).ShouldBe(expected);

    [Theory]
    [InlineData("GET", true)]
    [InlineData("get", false)]
    [InlineData("POST", false)]
    public void TryMatch_Method_Exact(string method, bool expected) =>
        BothWays(Match(method: "GET"), new RequestHead(method, "/", "", new HeaderDictionary())).ShouldBe(expected);

    [Fact]
    public void TryMatch_SeveralMatch_TheFirstDecides()
    {
        var config = Config(
            Match(rule: 2, path: new(PathMatchType.Exact, "/a"), method: "POST"),
            Match(rule: 1, path: new(PathMatchType.PathPrefix, "/a")),
            Match(rule: 0));

        Rule(config, new RequestHead("POST", "/a", "", new HeaderDictionary())).ShouldBe("rule2");
        Rule(config, new RequestHead("GET", "/a", "", new HeaderDictionary())).ShouldBe("rule1");
        Rule(config, new RequestHead("GET", "/b", "", new HeaderDictionary())).ShouldBe("rule0");
    }

    [Fact]
    public void TryBuild_WhatCannotRun_SaysAllOfIt()
    {
        var config = Config(
            Match(rule: 9),
            Match(path: new(PathMatchType.RegularExpression, "(")),
            Match(path: new(PathMatchType.RegularExpression, "(?=a)b"), headers: [new(ValueMatchType.RegularExpression, "x", "[")]),
            Match(query: [new(ValueMatchType.RegularExpression, "q", "*")]),
            Match(path: new(PathMatchType.Exact, "a")))
            with { Rules = [new RouteRuleConfig { Name = "r", Backends = [new(1, 1), new(0, -1)] }] };

        RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), out var table, out var problems).ShouldBeFalse();

        table.ShouldBeNull();
        problems.Length.ShouldBe(8);
        problems.ShouldContain("rule 'r': there is no backend 1");
        problems.ShouldContain("rule 'r': weight -1 is negative");
        problems.ShouldContain("match 0: there is no rule 9");
        problems.ShouldContain("match 4: path 'a' does not begin with a slash");
        problems.ShouldContain(p => p.StartsWith("match 2: header 'x' expression '['", StringComparison.Ordinal));
    }

    [Fact]
    public void TryBuild_HeaderThatMayNotChange_BuildsWithoutItAndSaysSo()
    {
        var config = Config(Match()) with
        {
            Rules = [new RouteRuleConfig { Name = "r", Backends = [new(0, 1)], RequestTimeout = TimeSpan.FromSeconds(2), RequestHeaders = new() { Set = [new("host", "x"), new("x-a", "1")] }, ResponseHeaders = new() { Remove = ["meshlite-error"] } }],
        };

        RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), out var table, out var problems).ShouldBeTrue();

        problems.Length.ShouldBe(2);
        table!.TryMatch(Head("/"), out var match).ShouldBeTrue();
        var rule = match!.Rule;
        rule!.Name.ShouldBe("r");
        rule.RequestHeaders.ShouldNotBeNull();
        rule.ResponseHeaders.ShouldBeNull();
        rule.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        rule.Split.Next().ShouldBe(0);
    }

    [Theory]
    [InlineData(PathMatchType.PathPrefix, "/", false)]
    [InlineData(PathMatchType.PathPrefix, "/a", true)]
    [InlineData(PathMatchType.Exact, "/", true)]
    [InlineData(PathMatchType.RegularExpression, ".*", true)]
    public void LooksAtPaths_Matches_SaysWhetherPathsMatter(PathMatchType type, string value, bool expected)
    {
        RouteTable.TryBuild(Config(Match(path: new(type, value)), Match()), new AttemptSettings(new ManualTimeProvider(), new Random(1)), out var table, out _);

        table!.LooksAtPaths.ShouldBe(expected);
    }

    private static RequestHead Head(string path, string query = "") => new("GET", path, query, new HeaderDictionary());

    private static bool BothWays(RouteMatchConfig match, RequestHead head) => Rule(Config(match), head) is not null;

    private static string? Rule(DestinationConfig config, RequestHead head)
    {
        RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), useIndex: true, out var indexed, out _).ShouldBeTrue();
        RouteTable.TryBuild(config, new AttemptSettings(new ManualTimeProvider(), new Random(1)), useIndex: false, out var linear, out _).ShouldBeTrue();
        indexed.TryMatch(in head, out var found).ShouldBe(linear.TryMatch(in head, out var expected));
        found?.Rule.Name.ShouldBe(expected?.Rule.Name);
        return found?.Rule.Name;
    }

    private static RouteMatchConfig Match(
        int rule = 0, PathMatchConfig? path = null, string? method = null, ImmutableArray<ValueMatchConfig>? headers = null, ImmutableArray<ValueMatchConfig>? query = null) =>
        new() { Rule = rule, Path = path, Method = method, Headers = headers ?? [], Query = query ?? [] };

    private static DestinationConfig Config(params RouteMatchConfig[] matches) => new()
    {
        Authority = "orders",
        Kind = DestinationKind.Service,
        Matches = [.. matches],
        Rules = [.. Enumerable.Range(0, 3).Select(i => new RouteRuleConfig { Name = $"rule{i}", Backends = [new(0, 1)] })],
        Backends = [new BackendConfig { Service = new("shop", "orders", 80) }],
    };
}
