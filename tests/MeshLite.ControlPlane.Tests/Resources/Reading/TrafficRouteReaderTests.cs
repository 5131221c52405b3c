using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class TrafficRouteReaderTests : ReadingTestBase
{
    [Fact]
    public void Read_EveryField_IsRead()
    {
        var route = ReadGood<TrafficRouteResource>(Route("""
            parentRefs: [{kind: Service, name: orders, port: 80}, {kind: Service, name: other}]
            rules:
            - name: testers
              matches:
              - path: {type: Exact, value: /a}
                headers: [{name: x-canary, value: "true"}, {type: RegularExpression, name: X-B, value: "v[0-9]+"}]
                queryParams: [{name: q, value: "1"}]
                method: GET
              - path: {type: PathPrefix, value: /b/}
              - path: {type: RegularExpression, value: "/c/[a-z]+"}
              - path: {value: /}
              filters:
              - type: RequestHeaderModifier
                requestHeaderModifier: {set: [{name: a, value: b}], add: [{name: c, value: d}], remove: [e]}
              - type: ResponseHeaderModifier
                responseHeaderModifier: {remove: [server]}
              timeouts: {request: 2s, backendRequest: 2s}
              hedge: {delay: 50ms}
              fallback: {response: {status: 200, contentType: application/json, body: "[]"}}
              sticky: {cookie: {name: meshlite-sticky, ttl: 1h}}
              retry: {attempts: 3, codes: [500, 429], grpcCodes: [UNAVAILABLE, 4, DATA_LOSS], methods: [GET, PURGE], backoff: 0s}
              backendRefs:
              - {name: orders, subset: v2, weight: 0}
              - {kind: Service, name: other, namespace: warehouse, port: 8080}
            - {timeouts: {request: 0s, backendRequest: 1s}, retry: {}, fallback: {backendRef: {name: stock, port: 81, subset: v1}}, sticky: {header: X-User}, backendRefs: [{name: orders}]}
            - {fallback: {response: {status: 503}}, sticky: {cookie: {name: a}}}
            - {fallback: {response: {status: 503, body: sorry}}}
            """));

        route.Parents.ShouldBe([new RouteParent("orders", 80), new RouteParent("other", null)]);
        var rule = route.Rules[0];
        rule.Name.ShouldBe("testers");
        rule.Matches.Select(m => m.Path).ShouldBe(
        [
            new PathMatchConfig(PathMatchType.Exact, "/a"), new PathMatchConfig(PathMatchType.PathPrefix, "/b"),
            new PathMatchConfig(PathMatchType.RegularExpression, "/c/[a-z]+"), null,
        ]);
        rule.Matches[0].Headers.ShouldBe(
            [new ValueMatchConfig(ValueMatchType.Exact, "x-canary", "true"), new ValueMatchConfig(ValueMatchType.RegularExpression, "X-B", "v[0-9]+")]);
        rule.Matches[0].Query.ShouldBe([new ValueMatchConfig(ValueMatchType.Exact, "q", "1")]);
        rule.Matches[0].Method.ShouldBe("GET");
        rule.RequestHeaders!.Set.ShouldBe([new HeaderConfig("a", "b")]);
        rule.RequestHeaders.Add.ShouldBe([new HeaderConfig("c", "d")]);
        rule.RequestHeaders.Remove.ShouldBe(["e"]);
        rule.ResponseHeaders!.Remove.ShouldBe(["server"]);
        rule.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        rule.Backends.ShouldBe(
            [new BackendRef { Name = "orders", Subset = "v2", Weight = 0 }, new BackendRef { Name = "other", Namespace = "warehouse", Port = 8080 }]);
        route.Rules[1].Matches.Length.ShouldBe(1);
        rule.BackendRequestTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        rule.Retry!.Attempts.ShouldBe(3);
        rule.Retry.Codes.ShouldBe([500, 429]);
        rule.Retry.GrpcCodes.ShouldBe([14, 4, 15]);
        rule.Retry.Methods.ShouldBe(["GET", "PURGE"]);
        rule.Retry.Backoff.ShouldBe(TimeSpan.Zero);
        route.Rules[1].RequestTimeout.ShouldBe(TimeSpan.Zero);
        route.Rules[1].BackendRequestTimeout.ShouldBe(TimeSpan.FromSeconds(1));
        route.Rules[1].Retry.ShouldBe(RetryConfig.Default);
        rule.Hedge.ShouldBe(new HedgeConfig(TimeSpan.FromMilliseconds(50)));
        rule.Fallback.ShouldBe(new RouteFallback(new StaticResponseConfig(200, "application/json", "[]"), null));
        rule.Sticky.ShouldBe(new StickyConfig { Cookie = "meshlite-sticky", CookieTtl = TimeSpan.FromHours(1) });
        route.Rules[1].Fallback.ShouldBe(new RouteFallback(null, new BackendRef { Name = "stock", Port = 81, Subset = "v1" }));
        route.Rules[1].Sticky.ShouldBe(new StickyConfig { Header = "X-User" });
        route.Rules[2].Fallback.ShouldBe(new RouteFallback(new StaticResponseConfig(503, "", ""), null));
        route.Rules[2].Sticky.ShouldBe(new StickyConfig { Cookie = "a" });
        route.Rules[3].Fallback.ShouldBe(new RouteFallback(new StaticResponseConfig(503, "text/plain; charset=utf-8", "sorry"), null));
        route.Rules[2].RequestTimeout.ShouldBeNull();
        route.Rules[2].BackendRequestTimeout.ShouldBeNull();
        route.Rules[2].Retry.ShouldBeNull();
    }

    [Theory]
    [InlineData("name: Bad_Name", "rules[0].name: 'Bad_Name' is not a name of up to 253 lower case letters, digits, dashes and dots")]
    [InlineData("matches: {path: {}}", "rules[0].matches: is a map of fields, must be a list")]
    [InlineData("matches: [{path: /a}]", "rules[0].matches[0].path: is the text '/a', must be a map of fields")]
    [InlineData("matches: [{path: {type: Prefix}}]", "rules[0].matches[0].path.type: is 'Prefix', must be Exact, PathPrefix or RegularExpression")]
    [InlineData("matches: [{path: {value: a}}]", "rules[0].matches[0].path.value: 'a' must begin with '/'")]
    [InlineData("matches: [{path: {value: /a//b}}]", "rules[0].matches[0].path.value: '/a//b' must not contain '//'")]
    [InlineData("matches: [{path: {value: /a/../b}}]", "rules[0].matches[0].path.value: '/a/../b' must not contain '/../'")]
    [InlineData("matches: [{path: {value: /a/..}}]", "rules[0].matches[0].path.value: '/a/..' must not end with '/.' or '/..'")]
    [InlineData("matches: [{path: {value: /a%2Fb}}]", "rules[0].matches[0].path.value: '/a%2Fb' must not contain '%2F'")]
    [InlineData("matches: [{path: {value: /a?b=c}}]", "rules[0].matches[0].path.value: '/a?b=c' has a character that must be percent-encoded in a path")]
    [InlineData("matches: [{path: {value: /%4}}]", "rules[0].matches[0].path.value: '/%4' has a character that must be percent-encoded in a path")]
    [InlineData("matches: [{path: {type: RegularExpression}}]", "rules[0].matches[0].path.value: is required")]
    [InlineData(
        "matches: [{path: {type: RegularExpression, value: '(a'}}]",
        "rules[0].matches[0].path.value: '(a' is not a regular expression: Invalid pattern '\\A(?:(a)\\z' at offset 10. Not enough )'s.")]
    [InlineData(
        "matches: [{path: {type: RegularExpression, value: '(a)\\1'}}]",
        "rules[0].matches[0].path.value: '(a)\\1' needs backtracking (lookaround, back reference, atomic group) or is too large; neither is supported")]
    [InlineData("matches: [{headers: [{name: 'a b', value: c}]}]", "rules[0].matches[0].headers[0].name: 'a b' is not a header's name")]
    [InlineData("matches: [{headers: [{name: ':path', value: c}]}]", "rules[0].matches[0].headers[0].name: ':path' is not a header's name")]
    [InlineData("matches: [{headers: [{name: a, value: true}]}]", "rules[0].matches[0].headers[0].value: is the boolean true, must be text (put it in quotes)")]
    [InlineData("matches: [{headers: [{name: a}]}]", "rules[0].matches[0].headers[0].value: is required")]
    [InlineData("matches: [{headers: [{name: a, value: b}, {name: A, value: c}]}]", "rules[0].matches[0].headers: 'a' is matched twice")]
    [InlineData("matches: [{headers: [{name: a, value: b, invert: x}]}]", "rules[0].matches[0].headers[0].invert: unknown field; here may stand type, name or value")]
    [InlineData("matches: [{method: get}]", "rules[0].matches[0].method: is 'get', must be GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE or PATCH")]
    [InlineData("matches: [{query: []}]", "rules[0].matches[0].query: unknown field; here may stand path, headers, queryParams or method")]
    [InlineData("backendRefs: [{name: a, weight: -1}]", "rules[0].backendRefs[0].weight: is -1, must be from 0 to 1000000")]
    [InlineData("backendRefs: [{name: a, weight: 99999999999999}]", "rules[0].backendRefs[0].weight: is 99999999999999, must be from 0 to 1000000")]
    [InlineData("backendRefs: [{name: a, weight: '5'}]", "rules[0].backendRefs[0].weight: is the text '5', must be a whole number")]
    [InlineData("backendRefs: [{name: a, weight: 1.5}]", "rules[0].backendRefs[0].weight: is the number 1.5, must be a whole number")]
    [InlineData("backendRefs: [{name: a, kind: Pod}]", "rules[0].backendRefs[0].kind: is 'Pod', must be Service")]
    [InlineData("backendRefs: [{subset: v1}]", "rules[0].backendRefs[0].name: is required")]
    [InlineData("backendRefs:", "rules[0].backendRefs: is nothing, must be a list")]
    [InlineData("timeouts: {request: 2}", "rules[0].timeouts.request: is the number 2, must be text (put it in quotes)")]
    [InlineData("timeouts: {request: 2 s}", "rules[0].timeouts.request: '2 s' is not a duration such as 250ms, 2s, 1m30s")]
    [InlineData("timeouts: {request: 25h}", "rules[0].timeouts.request: is 25h, must be from 0s to 24h")]
    [InlineData("timeouts: {backendRequest: 25h}", "rules[0].timeouts.backendRequest: is 25h, must be from 0s to 24h")]
    [InlineData("timeouts: {request: 1s, backendRequest: 1001ms}", "rules[0].timeouts.backendRequest: is longer than request, which covers all attempts")]
    [InlineData("timeouts: {connect: 1s}", "rules[0].timeouts.connect: unknown field; here may stand request or backendRequest")]
    [InlineData("retry: {attempts: -1}", "rules[0].retry.attempts: is -1, must be from 0 to 10")]
    [InlineData("retry: {codes: [200]}", "rules[0].retry.codes[0]: is the number 200, must be a status from 400 to 599")]
    [InlineData("retry: {codes: [503, '504']}", "rules[0].retry.codes[1]: is the text '504', must be a status from 400 to 599")]
    [InlineData("retry: {codes: 503}", "rules[0].retry.codes: is the number 503, must be a list")]
    [InlineData("retry: {grpcCodes: [0]}", "rules[0].retry.grpcCodes[0]: is the number 0, must be a gRPC status: 1 to 16, or its name, such as UNAVAILABLE")]
    [InlineData("retry: {grpcCodes: [Unavailable]}", "rules[0].retry.grpcCodes[0]: is the text 'Unavailable', must be a gRPC status: 1 to 16, or its name, such as UNAVAILABLE")]
    [InlineData("retry: {grpcCodes: [OK]}", "rules[0].retry.grpcCodes[0]: is the text 'OK', must be a gRPC status: 1 to 16, or its name, such as UNAVAILABLE")]
    [InlineData("retry: {methods: [get]}", "rules[0].retry.methods[0]: 'get' is not a method in upper case")]
    [InlineData("retry: {methods: ['G T']}", "rules[0].retry.methods[0]: 'G T' is not a method in upper case")]
    [InlineData("retry: {backoff: 61s}", "rules[0].retry.backoff: is 61s, must be from 0s to 1m")]
    [InlineData("retry: {perTryTimeout: 1s}", "rules[0].retry.perTryTimeout: unknown field; here may stand attempts, codes, grpcCodes, methods or backoff")]
    [InlineData("hedge: {}", "rules[0].hedge.delay: is required")]
    [InlineData("hedge: {delay: 0s}", "rules[0].hedge.delay: is 0s, must be from 1ms to 1m")]
    [InlineData("fallback: {}", "rules[0].fallback: must have exactly one of response or backendRef")]
    [InlineData("fallback: {response: {status: 200}, backendRef: {name: a}}", "rules[0].fallback: must have exactly one of response or backendRef")]
    [InlineData("fallback: {response: {}}", "rules[0].fallback.response.status: is required")]
    [InlineData("fallback: {response: {status: 100}}", "rules[0].fallback.response.status: is 100, must be from 200 to 599")]
    [InlineData("fallback: {response: {status: 200, contentType: json}}", "rules[0].fallback.response.contentType: 'json' is not a media type such as application/json")]
    [InlineData("fallback: {response: {status: 200, body: []}}", "rules[0].fallback.response.body: is a list, must be text")]
    [InlineData("fallback: {response: {status: 204, body: a}}", "rules[0].fallback.response.body: a response of status 204 has no body (RFC 9110 §6.4.1)")]
    [InlineData("fallback: {backendRef: {}}", "rules[0].fallback.backendRef.name: is required")]
    [InlineData("fallback: {backendRef: {name: a, weight: 1}}", "rules[0].fallback.backendRef.weight: unknown field; here may stand kind, name, namespace, port or subset")]
    [InlineData("sticky: {}", "rules[0].sticky: must have exactly one of cookie or header")]
    [InlineData("sticky: {header: a, cookie: {name: b}}", "rules[0].sticky: must have exactly one of cookie or header")]
    [InlineData("sticky: {header: 'a b'}", "rules[0].sticky.header: 'a b' is not a header's name")]
    [InlineData("sticky: {cookie: {}}", "rules[0].sticky.cookie.name: is required")]
    [InlineData("sticky: {cookie: {name: 'a;b'}}", "rules[0].sticky.cookie.name: 'a;b' is not a cookie's name")]
    [InlineData("sticky: {cookie: {name: a, ttl: 0s}}", "rules[0].sticky.cookie.ttl: is 0s, must be from 1s to 8760h")]
    [InlineData("sessionPersistence: {}", "rules[0].sessionPersistence: is not supported by this version")]
    public void Read_BadRule_SaysWhatAndWhere(string rule, string error) =>
        ReadBad(Rule(rule)).ShouldHaveSingleItem().ShouldEndWith(": TrafficRoute shop/r: spec." + error);

    [Theory]
    [InlineData("rules: [{}]", "spec.parentRefs: is required")]
    [InlineData("parentRefs: []\nrules: [{}]", "spec.parentRefs: has 0 items, must have 1 to 32")]
    [InlineData("parentRefs: [{kind: Service, name: a}]", "spec.rules: is required")]
    [InlineData("parentRefs: [{name: a}]\nrules: [{}]", "spec.parentRefs[0].kind: is required")]
    [InlineData("parentRefs: [{kind: Gateway, name: a}]\nrules: [{}]", "spec.parentRefs[0].kind: is 'Gateway', must be Service")]
    [InlineData("parentRefs: [{kind: Service, name: a, port: 0}]\nrules: [{}]", "spec.parentRefs[0].port: is 0, must be from 1 to 65535")]
    [InlineData("parentRefs: [{kind: Service, name: a}, {kind: Service, name: a}]\nrules: [{}]", "spec.parentRefs: Service a is named twice")]
    [InlineData("parentRefs: [{kind: Service, name: a}]\nrules: [{name: x}, {name: x}]", "spec.rules: two rules are called 'x'")]
    [InlineData("parentRefs: [{kind: Service, name: a}]\nhostnames: [a]\nrules: [{}]", "spec.hostnames: is not supported by this version")]
    public void Read_BadSpec_SaysWhatAndWhere(string spec, string error) =>
        ReadBad(Route(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);

    [Fact]
    public void Read_SeveralErrors_AllAreToldWithTheirLines() =>
        ReadBad(Route("parentRefs: [{kind: Service, name: a}]\nrules:\n- name: x\n  timeouts:\n    request: never\n  backendRefs:\n  - name: a\n    weigth: 5\n"))
            .ShouldBe(
            [
                "f.yaml:12: TrafficRoute shop/r: spec.rules[0].backendRefs[0].weigth: unknown field; here may stand kind, name, namespace, port, subset or weight",
                "f.yaml:9: TrafficRoute shop/r: spec.rules[0].timeouts.request: 'never' is not a duration such as 250ms, 2s, 1m30s",
            ]);
}
