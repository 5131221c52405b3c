using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class FilterReaderTests : ReadingTestBase
{
    [Fact]
    public void Read_EveryFilter_IsRead()
    {
        var route = ReadGood<TrafficRouteResource>(Route("""
            parentRefs: [{kind: Service, name: orders}]
            rules:
            - filters:
              - type: URLRewrite
                urlRewrite: {hostname: inner.example.com, path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}}
              - {type: RequestMirror, requestMirror: {backendRef: {name: orders, subset: v2}, percent: 0.5}}
              - {type: Fault, fault: {delay: {duration: 100ms, percent: 10}, abort: {status: 503, percent: 2.5}}}
              - {type: RequestMirror, requestMirror: {backendRef: {name: other, namespace: shop2, port: 81}}}
            - filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /b}}}]
              matches: [{path: {type: Exact, value: /a}}]
            - matches: [{path: {value: /c}}, {headers: [{name: a, value: b}]}]
              filters:
              - type: RequestRedirect
                requestRedirect: {scheme: https, hostname: example.com, port: 8443, path: {type: ReplacePrefixMatch, replacePrefixMatch: /d/}, statusCode: 308}
            - filters: [{type: RequestRedirect, requestRedirect: {port: 81}}]
            - filters: [{type: Fault, fault: {abort: {status: 418, percent: 100}}}]
            """));

        var rule = route.Rules[0];
        rule.Rewrite.ShouldBe(new UrlRewriteConfig { Hostname = "inner.example.com", Path = new PathRewriteConfig(PathRewriteType.ReplacePrefixMatch, "") });
        rule.Mirrors.ShouldBe(
        [
            new RouteMirror(new BackendRef { Name = "orders", Subset = "v2" }, 0.5) { Filter = 1 },
            new RouteMirror(new BackendRef { Name = "other", Namespace = "shop2", Port = 81 }, 100) { Filter = 3 },
        ]);
        rule.Fault.ShouldBe(new FaultConfig { Delay = TimeSpan.FromMilliseconds(100), DelayPercent = 10, AbortStatus = 503, AbortPercent = 2.5 });
        rule.Redirect.ShouldBeNull();
        route.Rules[1].Rewrite.ShouldBe(new UrlRewriteConfig { Path = new PathRewriteConfig(PathRewriteType.ReplaceFullPath, "/b") });
        route.Rules[2].Redirect.ShouldBe(new RedirectConfig
        {
            Scheme = "https", Hostname = "example.com", Port = 8443, Path = new PathRewriteConfig(PathRewriteType.ReplacePrefixMatch, "/d/"), StatusCode = 308,
        });
        route.Rules[3].Redirect.ShouldBe(new RedirectConfig { Port = 81, StatusCode = 302 });
        route.Rules[4].Fault.ShouldBe(new FaultConfig { AbortStatus = 418, AbortPercent = 100 });
    }

    [Theory]
    [InlineData(
        "filters: [{type: Foo}]",
        "rules[0].filters[0].type: is 'Foo', must be RequestHeaderModifier, ResponseHeaderModifier, URLRewrite, RequestRedirect, RequestMirror or Fault")]
    [InlineData(
        "filters: [{type: CORS, cors: {}}]",
        "rules[0].filters[0].type: CORS is not supported by this version (only RequestHeaderModifier, ResponseHeaderModifier, URLRewrite, RequestRedirect, RequestMirror or Fault)")]
    [InlineData(
        "filters: [{type: ExtensionRef, extensionRef: {}}]",
        "rules[0].filters[0].type: ExtensionRef is not supported by this version (only RequestHeaderModifier, ResponseHeaderModifier, URLRewrite, RequestRedirect, RequestMirror or Fault)")]
    [InlineData("filters: [{type: URLRewrite, urlRewrite: {}}]", "rules[0].filters[0].urlRewrite: must change hostname or path")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {hostname: '*.example.com'}}]",
        "rules[0].filters[0].urlRewrite.hostname: '*.example.com' is not a host's name in lower case without port (no address, no wildcard)")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {hostname: 'example.com:80'}}]",
        "rules[0].filters[0].urlRewrite.hostname: 'example.com:80' is not a host's name in lower case without port (no address, no wildcard)")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {hostname: 10.0.0.1}}]",
        "rules[0].filters[0].urlRewrite.hostname: '10.0.0.1' is not a host's name in lower case without port (no address, no wildcard)")]
    [InlineData("filters: [{type: URLRewrite, urlRewrite: {path: {replaceFullPath: /a}}}]", "rules[0].filters[0].urlRewrite.path.type: is required")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {path: {type: Replace, replaceFullPath: /a}}}]",
        "rules[0].filters[0].urlRewrite.path.type: is 'Replace', must be ReplaceFullPath or ReplacePrefixMatch")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: a}}}]",
        "rules[0].filters[0].urlRewrite.path.replaceFullPath: 'a' must begin with '/'")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /a?b}}}]",
        "rules[0].filters[0].urlRewrite.path.replaceFullPath: '/a?b' has a character that must be percent-encoded in a path")]
    [InlineData("filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath}}}]", "rules[0].filters[0].urlRewrite.path.replaceFullPath: is required")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch}}}]",
        "rules[0].filters[0].urlRewrite.path.replacePrefixMatch: is required")]
    [InlineData(
        "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /a, replacePrefixMatch: /b}}}]",
        "rules[0].filters[0].urlRewrite.path.replacePrefixMatch: unknown field; here may stand type or replaceFullPath")]
    [InlineData(
        "matches: [{path: {value: /a}}, {path: {type: Exact, value: /b}}]\nfilters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /c}}}]",
        "rules[0].filters: ReplacePrefixMatch replaces the prefix that matched, so every match of the rule must be a PathPrefix")]
    [InlineData(
        "matches: [{path: {type: RegularExpression, value: /a}}]\nfilters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /c}}}]",
        "rules[0].filters: ReplacePrefixMatch replaces the prefix that matched, so every match of the rule must be a PathPrefix")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {}}]",
        "rules[0].filters[0].requestRedirect: must change scheme, hostname, port or path: the same address again would be a loop")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: ftp}}]",
        "rules[0].filters[0].requestRedirect.scheme: is 'ftp', must be http or https")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {hostname: A}}]",
        "rules[0].filters[0].requestRedirect.hostname: 'A' is not a host's name in lower case without port (no address, no wildcard)")]
    [InlineData("filters: [{type: RequestRedirect, requestRedirect: {port: 0}}]", "rules[0].filters[0].requestRedirect.port: is 0, must be from 1 to 65535")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 304}}]",
        "rules[0].filters[0].requestRedirect.statusCode: is 304, must be 301, 302, 303, 307 or 308")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 200}}]",
        "rules[0].filters[0].requestRedirect.statusCode: is 200, must be from 301 to 308")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]\nbackendRefs: [{name: a}]",
        "rules[0].backendRefs: has no effect beside RequestRedirect, which sends requests nowhere")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]\nhedge: {delay: 1s}",
        "rules[0].hedge: has no effect beside RequestRedirect, which sends requests nowhere")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}, {type: URLRewrite, urlRewrite: {hostname: a}}]",
        "rules[0].filters: URLRewrite and RequestRedirect exclude each other")]
    [InlineData(
        "filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}, {type: RequestMirror, requestMirror: {backendRef: {name: a}}}]",
        "rules[0].filters: RequestMirror and RequestRedirect exclude each other")]
    [InlineData("filters: [{type: RequestMirror, requestMirror: {}}]", "rules[0].filters[0].requestMirror.backendRef: is required")]
    [InlineData(
        "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}, percent: 101}}]",
        "rules[0].filters[0].requestMirror.percent: is 101, must be from 0 to 100")]
    [InlineData(
        "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}, fraction: {numerator: 1}}}]",
        "rules[0].filters[0].requestMirror.fraction: is not supported by this version")]
    [InlineData(
        "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, weight: 2}}}]",
        "rules[0].filters[0].requestMirror.backendRef.weight: unknown field; here may stand kind, name, namespace, port or subset")]
    [InlineData("filters: [{type: Fault, fault: {}}]", "rules[0].filters[0].fault: must have delay, abort or both")]
    [InlineData("filters: [{type: Fault, fault: {delay: {percent: 1}}}]", "rules[0].filters[0].fault.delay.duration: is required")]
    [InlineData("filters: [{type: Fault, fault: {delay: {duration: 1s}}}]", "rules[0].filters[0].fault.delay.percent: is required")]
    [InlineData("filters: [{type: Fault, fault: {delay: {duration: 0s, percent: 1}}}]", "rules[0].filters[0].fault.delay.duration: is 0s, must be from 1ms to 1h")]
    [InlineData("filters: [{type: Fault, fault: {abort: {percent: 1}}}]", "rules[0].filters[0].fault.abort.status: is required")]
    [InlineData("filters: [{type: Fault, fault: {abort: {status: 199, percent: 1}}}]", "rules[0].filters[0].fault.abort.status: is 199, must be from 200 to 599")]
    [InlineData(
        "filters: [{type: Fault, fault: {abort: {status: 503, percent: '5'}}}]",
        "rules[0].filters[0].fault.abort.percent: is the text '5', must be a number")]
    [InlineData(
        "filters: [{type: Fault, fault: {abort: {status: 503, percent: -0.5}}}]",
        "rules[0].filters[0].fault.abort.percent: is -0.5, must be from 0 to 100")]
    [InlineData(
        "filters: [{type: Fault, fault: {abort: {status: 503, percent: 1}}}, {type: Fault, fault: {abort: {status: 503, percent: 1}}}]",
        "rules[0].filters: Fault is given twice")]
    [InlineData("filters: [{type: RequestHeaderModifier}]", "rules[0].filters[0].requestHeaderModifier: is required")]
    [InlineData(
        "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {}}, {type: RequestHeaderModifier, requestHeaderModifier: {}}]",
        "rules[0].filters: RequestHeaderModifier is given twice")]
    [InlineData(
        "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: host, value: a}]}}]",
        "rules[0].filters[0].requestHeaderModifier.set[0].name: the header host belongs to the connection, a filter may not change it")]
    [InlineData(
        "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Meshlite-Client-Id]}}]",
        "rules[0].filters[0].requestHeaderModifier.remove[0]: headers named meshlite-* belong to the mesh, a filter may not change them")]
    [InlineData(
        "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: \"b\\r\\nc: d\"}]}}]",
        "rules[0].filters[0].requestHeaderModifier.set[0].value: holds a control character")]
    [InlineData(
        "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}], remove: [A]}}]",
        "rules[0].filters[0].requestHeaderModifier: the header a stands there twice")]
    public void Read_BadFilter_SaysWhatAndWhere(string rule, string error) =>
        ReadBad(Rule(rule)).ShouldHaveSingleItem().ShouldEndWith(": TrafficRoute shop/r: spec." + error);

    [Fact]
    public void Read_FieldOfAnotherFilter_IsUnknown() =>
        ReadBad(Rule("filters:\n- type: Fault\n  urlRewrite: {}")).ShouldBe(
        [
            "f.yaml:8: TrafficRoute shop/r: spec.rules[0].filters[0].fault: is required",
            "f.yaml:9: TrafficRoute shop/r: spec.rules[0].filters[0].urlRewrite: unknown field; here may stand type or fault",
        ]);
}
