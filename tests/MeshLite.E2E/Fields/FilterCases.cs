using MeshLite.TestKit;

namespace MeshLite.E2E.Fields;

/// <summary>What a route changes, copies, answers or spoils.</summary>
internal static class FilterCases
{
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("request headers", Yaml.Route(Rule("{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-set, value: new}], add: [{name: x-add, value: more}], remove: [x-remove]}}")), async mesh =>
        {
            var answer = await mesh.SendAsync(headers: [("x-set", "old"), ("x-add", "some"), ("x-remove", "gone")]);
            var arrived = mesh.ArrivalsOf(answer).ShouldHaveSingleItem();
            arrived.Header("x-set").ShouldBe("new");
            arrived.Header("x-add").Replace(" ", "", StringComparison.Ordinal).ShouldBe("some,more");
            arrived.Header("x-remove").ShouldBe("");
        }) { Route = ["rules.filters.type", .. Modifier("rules.filters.requestHeaderModifier")] },

        new("response headers", Yaml.Route(Rule("{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-set, value: new}], add: [{name: x-add, value: more}], remove: [x-app]}}")), async mesh =>
        {
            var answer = await mesh.SendAsync();
            answer.Header("x-set").ShouldBe("new");
            answer.Header("x-add").ShouldBe("more");
            answer.App.ShouldBe("");
        }) { Route = Modifier("rules.filters.responseHeaderModifier") },

        new("rewrite", Yaml.Route("""
            rules:
            - matches: [{path: {value: /old}}]
              filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example.com, path: {type: ReplaceFullPath, replaceFullPath: /whole}}}]
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /v1}}]
              filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /api}}}]
              backendRefs: [{name: orders}]
            """), async mesh =>
        {
            var whole = mesh.ArrivalsOf(await mesh.SendAsync("/old/x?q=1")).ShouldHaveSingleItem();
            whole.Target.ShouldBe("/whole?q=1");
            whole.Host.ShouldBe("inner.example.com");
            mesh.ArrivalsOf(await mesh.SendAsync("/v1/x")).ShouldHaveSingleItem().Target.ShouldBe("/api/x");
        })
        {
            Route =
            [
                "rules.filters.urlRewrite.hostname", "rules.filters.urlRewrite.path.type", "rules.filters.urlRewrite.path.replaceFullPath",
                "rules.filters.urlRewrite.path.replacePrefixMatch",
            ],
        },

        new("redirect", Yaml.Route("""
            rules:
            - matches: [{path: {value: /f}}]
              filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: help.example.com, port: 8443, path: {type: ReplacePrefixMatch, replacePrefixMatch: /g}, statusCode: 308}}]
            - matches: [{path: {value: /h}}]
              filters: [{type: RequestRedirect, requestRedirect: {hostname: help.example.com, path: {type: ReplaceFullPath, replaceFullPath: /i}}}]
            """), async mesh =>
        {
            var answer = await mesh.SendAsync("/f/x?q=1");
            answer.Status.ShouldBe(308);
            answer.Header("location").ShouldBe("https://help.example.com:8443/g/x?q=1");
            (await mesh.SendAsync("/h/x?q=1")).Header("location").ShouldBe("http://help.example.com/i?q=1");
        })
        {
            Route =
            [
                "rules.filters.requestRedirect.scheme", "rules.filters.requestRedirect.hostname", "rules.filters.requestRedirect.port",
                "rules.filters.requestRedirect.path.type", "rules.filters.requestRedirect.path.replacePrefixMatch", "rules.filters.requestRedirect.path.replaceFullPath",
                "rules.filters.requestRedirect.statusCode",
            ],
        },

        new("mirror", Yaml.Route("""
            rules:
            - matches: [{path: {value: /port}}]
              filters: [{type: RequestMirror, requestMirror: {backendRef: {name: stock, namespace: shop2, port: 82}, percent: 50}}]
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /subset}}]
              filters: [{type: RequestMirror, requestMirror: {backendRef: {name: stock, namespace: shop2, subset: v3}}}]
              backendRefs: [{name: orders}]
            """), async mesh =>
        {
            var some = await mesh.SendManyAsync(100, "/port");
            var all = await mesh.SendManyAsync(20, "/subset");
            some.Concat(all).ShouldAllBe(a => a.Status == 200 && a.App.StartsWith('o'));
            await Eventually.TrueAsync(() => Mirrored(all).Length == 20 && Mirrored(some).Length >= 25, "the copies");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
            Mirrored(all).ShouldAllBe(a => a.App == "s1");
            Mirrored(some).ShouldAllBe(a => a.App == "s2");
            // 50 expected, 5 standard deviations.
            Mirrored(some).Length.ShouldBeInRange(25, 75);

            Arrival[] Mirrored(FieldAnswer[] of) => [.. of.SelectMany(mesh.ArrivalsOf).Where(a => a.App.StartsWith('s'))];
        }) { Route = Backend("rules.filters.requestMirror.backendRef", "rules.filters.requestMirror.percent") },

        new("fault", Yaml.Route(Rule("{type: Fault, fault: {delay: {duration: 1s, percent: 50}, abort: {status: 418, percent: 50}}}")), async mesh =>
        {
            var answers = await mesh.SendManyAsync(100);
            answers.Count(a => a is { Status: 418, Error: "fault_injected" }).ShouldBeInRange(25, 75);
            answers.Count(a => a.Status == 200).ShouldBeInRange(25, 75);
            answers.Count(a => a.Took >= Delay).ShouldBeInRange(25, 75);
        })
        {
            Route =
            [
                "rules.filters.fault.delay.duration", "rules.filters.fault.delay.percent", "rules.filters.fault.abort.status", "rules.filters.fault.abort.percent",
            ],
        },
    ];

    /// <summary>The fields of a backend that is not weighted, and others.</summary>
    internal static string[] Backend(string path, params string[] others) => [$"{path}.name", $"{path}.namespace", $"{path}.port", $"{path}.subset", .. others];

    private static string Rule(string filter) => $"rules: [{{filters: [{filter}], backendRefs: [{{name: orders}}]}}]";

    private static string[] Modifier(string path) => [$"{path}.set.name", $"{path}.set.value", $"{path}.add.name", $"{path}.add.value", $"{path}.remove"];
}
