using System.Collections.Immutable;
using MeshLite.ControlPlane.Tests.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>Resources with one thing wrong, and where an API server says so (<see cref="Bad.Field"/>, in whose words or not).</summary>
public sealed class BadResources : ReadingTestBase
{
    private const string Redirect = "filters: [{type: RequestRedirect, requestRedirect: {port: 81}}]";

    /// <summary>All of them; each breaks a rule that no other does.</summary>
    internal static readonly ImmutableArray<Bad> All =
    [
        // TrafficRoute
        new(Route("rules: [{}]"), "spec.parentRefs"),
        new(Route("parentRefs: []\nrules: [{}]"), "spec.parentRefs"),
        new(Route("parentRefs: [{kind: Service, name: orders}]"), "spec.rules"),
        new(Route("parentRefs: [{kind: Pod, name: orders}]\nrules: [{}]"), "spec.parentRefs[0].kind"),
        new(Route("parentRefs: [{name: orders}]\nrules: [{}]"), "spec.parentRefs[0].kind"),
        new(Route("parentRefs: [{kind: Service, name: Orders}]\nrules: [{}]"), "spec.parentRefs[0].name"),
        new(Route("parentRefs: [{kind: Service, name: orders, port: 0}]\nrules: [{}]"), "spec.parentRefs[0].port"),
        new(Route("parentRefs: [{kind: Service, name: orders}, {kind: Service, name: orders}]\nrules: [{}]"), "spec.parentRefs", "a Service is named twice"),
        new(Route("parentRefs: [{kind: Service, name: orders}]\nrules: [{name: a}, {name: a}]"), "spec.rules", "two rules have the same name"),
        new(Rule("matches: [{path: {value: a}}]"), "spec.rules[0].matches[0].path.value", "must begin with '/'"),
        new(Rule("matches: [{path: {value: \"/a b\"}}]"), "spec.rules[0].matches[0].path.value", "percent-encoded"),
        new(Rule("matches: [{path: {value: /a%2}}]"), "spec.rules[0].matches[0].path.value", "two hexadecimal digits"),
        new(Rule("matches: [{path: {value: /a%zz}}]"), "spec.rules[0].matches[0].path.value", "two hexadecimal digits"),
        new(Rule("matches: [{path: {value: //a}}]"), "spec.rules[0].matches[0].path.value", "normal form"),
        new(Rule("matches: [{path: {value: /a/../b}}]"), "spec.rules[0].matches[0].path.value", "normal form"),
        new(Rule("matches: [{path: {value: /a/.}}]"), "spec.rules[0].matches[0].path.value", "normal form"),
        new(Rule("matches: [{path: {value: /a%2fb}}]"), "spec.rules[0].matches[0].path.value", "normal form"),
        new(Rule("matches: [{path: {type: RegularExpression}}]"), "spec.rules[0].matches[0].path.value", "is required"),
        new(Rule("matches: [{path: {type: Prefix, value: /}}]"), "spec.rules[0].matches[0].path.type"),
        new(Rule("matches: [{method: get}]"), "spec.rules[0].matches[0].method"),
        new(Rule("matches: [{headers: [{name: \"x y\", value: a}]}]"), "spec.rules[0].matches[0].headers[0].name"),
        new(Rule("matches: [{headers: [{name: x, value: a}, {name: x, value: b}]}]"), "spec.rules[0].matches[0].headers[1]"),
        new(Rule("timeouts: {request: 1s, backendRequest: 2s}"), "spec.rules[0].timeouts.backendRequest", "is longer than request"),
        new(Rule("timeouts: {request: 1.5s}"), "spec.rules[0].timeouts.request"),
        new(Rule("timeouts: {request: 25h}"), "spec.rules[0].timeouts.request", "must be from 0s to 24h"),
        new(Rule("retry: {attempts: 11}"), "spec.rules[0].retry.attempts"),
        new(Rule("retry: {codes: [200]}"), "spec.rules[0].retry.codes[0]"),
        new(Rule("retry: {grpcCodes: [OK]}"), "spec.rules[0].retry.grpcCodes[0]"),
        new(Rule("retry: {grpcCodes: [0]}"), "spec.rules[0].retry.grpcCodes[0]"),
        new(Rule("retry: {methods: [get]}"), "spec.rules[0].retry.methods[0]"),
        new(Rule("retry: {backoff: 2m}"), "spec.rules[0].retry.backoff", "must be from 0s to 1m"),
        new(Rule("hedge: {}"), "spec.rules[0].hedge.delay"),
        new(Rule("hedge: {delay: 0s}"), "spec.rules[0].hedge.delay", "must be from 1ms to 1m"),
        new(Rule("fallback: {}"), "spec.rules[0].fallback", "exactly one of response or backendRef"),
        new(Rule("fallback: {response: {status: 200}, backendRef: {name: a}}"), "spec.rules[0].fallback", "exactly one of response or backendRef"),
        new(Rule("fallback: {response: {status: 204, body: x}}"), "spec.rules[0].fallback.response.body", "has no body"),
        new(Rule("fallback: {response: {status: 100}}"), "spec.rules[0].fallback.response.status"),
        new(Rule("sticky: {cookie: {name: a}, header: b}"), "spec.rules[0].sticky", "exactly one of cookie or header"),
        new(Rule("sticky: {cookie: {name: a, ttl: 9000h}}"), "spec.rules[0].sticky.cookie.ttl", "must be from 1s to 8760h"),
        new(Rule("backendRefs: [{name: orders, weight: -1}]"), "spec.rules[0].backendRefs[0].weight"),
        new(Rule("backendRefs: [{kind: Pod, name: orders}]"), "spec.rules[0].backendRefs[0].kind"),
        new(Rule("filters: [{type: Fault}]"), "spec.rules[0].filters[0].fault", "must be there for type Fault"),
        new(Rule("filters: [{type: Fault, fault: {}}]"), "spec.rules[0].filters[0].fault"),
        new(Rule("filters: [{type: Fault, fault: {abort: {status: 500}}}]"), "spec.rules[0].filters[0].fault.abort.percent"),
        new(Rule("filters: [{type: Fault, fault: {delay: {duration: 2h, percent: 1}}}]"), "spec.rules[0].filters[0].fault.delay.duration", "must be from 1ms to 1h"),
        new(Rule("filters: [{type: URLRewrite, urlRewrite: {hostname: a}, fault: {abort: {status: 500, percent: 1}}}]"), "spec.rules[0].filters[0].fault", "for no other"),
        new(Rule("filters: [{type: URLRewrite, urlRewrite: {hostname: a}}, {type: URLRewrite, urlRewrite: {hostname: b}}]"), "spec.rules[0].filters", "given twice"),
        new(Rule("filters: [{type: URLRewrite, urlRewrite: {}}]"), "spec.rules[0].filters[0].urlRewrite"),
        new(Rule("filters: [{type: URLRewrite, urlRewrite: {hostname: 10.0.0.1}}]"), "spec.rules[0].filters[0].urlRewrite.hostname", "no address"),
        new(Rule("filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath}}}]"), "spec.rules[0].filters[0].urlRewrite.path.replaceFullPath", "must be there"),
        new(Rule("filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: //}}}]"), "spec.rules[0].filters[0].urlRewrite.path.replaceFullPath", "normal form"),
        new(
            Rule("matches: [{path: {type: Exact, value: /a}}]\nfilters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]"),
            "spec.rules[0].filters", "must be a PathPrefix"),
        new(Rule("filters: [{type: RequestRedirect, requestRedirect: {}}]"), "spec.rules[0].filters[0].requestRedirect", "would be a loop"),
        new(Rule("filters: [{type: RequestRedirect, requestRedirect: {port: 81, statusCode: 304}}]"), "spec.rules[0].filters[0].requestRedirect.statusCode"),
        new(Rule($"{Redirect}\nbackendRefs: [{{name: orders}}]"), "spec.rules[0].backendRefs", "has no effect beside RequestRedirect"),
        new(Rule($"{Redirect}\nretry: {{}}"), "spec.rules[0].retry", "has no effect beside RequestRedirect"),
        new(Rule($"{Redirect}\nhedge: {{delay: 1s}}"), "spec.rules[0].hedge", "has no effect beside RequestRedirect"),
        new(Rule($"{Redirect}\nfallback: {{response: {{status: 200}}}}"), "spec.rules[0].fallback", "has no effect beside RequestRedirect"),
        new(Rule($"{Redirect}\nsticky: {{header: a}}"), "spec.rules[0].sticky", "has no effect beside RequestRedirect"),
        new(
            Rule("filters: [{type: RequestRedirect, requestRedirect: {port: 81}}, {type: RequestMirror, requestMirror: {backendRef: {name: a}}}]"),
            "spec.rules[0].filters", "exclude each other"),
        new(Rule("filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}, percent: 101}}]"), "spec.rules[0].filters[0].requestMirror.percent"),
        new(
            Rule("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Content-Length, value: a}]}}]"),
            "spec.rules[0].filters[0].requestHeaderModifier.set[0].name", "may not change it"),
        new(
            Rule("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Meshlite-Error]}}]"),
            "spec.rules[0].filters[0].responseHeaderModifier.remove[0]", "may not change it"),

        // TrafficPolicy
        new(Policy("subsets: [{name: v1, labels: {}}]"), "spec.subsets[0].labels"),
        new(Policy("subsets: [{name: v1, labels: {a: b}}, {name: v1, labels: {a: c}}]"), "spec.subsets[1]"),
        new(Policy("subsets: [{name: v1, labels: {a: \"b c\"}}]"), "spec.subsets[0].labels.a"),
        new(Policy("loadBalancer: {type: Fastest}"), "spec.loadBalancer.type"),
        new(Policy("loadBalancer: {hashOn: {header: a}}"), "spec.loadBalancer.hashOn", "is for RingHash"),
        new(Policy("loadBalancer: {type: RingHash, hashOn: {header: a, cookie: b}}"), "spec.loadBalancer.hashOn", "exactly one of header, cookie or source"),
        new(Policy("loadBalancer: {type: RingHash, hashOn: {source: false}}"), "spec.loadBalancer.hashOn.source"),
        new(Policy("loadBalancer: {type: RingHash, slowStart: 1s}"), "spec.loadBalancer.slowStart", "is not for RingHash"),
        new(Policy("retryBudget: {percent: 101}"), "spec.retryBudget.percent"),
        new(Policy("retryBudget: {interval: 500ms}"), "spec.retryBudget.interval", "must be from 1s to 1m"),
        new(Policy("circuitBreaker: {endpoint: {openFor: 10m, maxOpenFor: 5m}}"), "spec.circuitBreaker.endpoint.maxOpenFor", "must not be longer than maxOpenFor"),
        new(Policy("circuitBreaker: {endpoint: {failureRatio: 1.5}}"), "spec.circuitBreaker.endpoint.failureRatio"),
        new(Policy("circuitBreaker: {destination: {window: 6m}}"), "spec.circuitBreaker.destination.window", "must be from 1s to 5m"),
        new(Policy("circuitBreaker: {failureCodes: [404]}"), "spec.circuitBreaker.failureCodes[0]"),
        new(Policy("circuitBreaker: {failureCodes: []}"), "spec.circuitBreaker.failureCodes"),
        new(Policy("concurrency: {maxRequests: 0}"), "spec.concurrency.maxRequests"),
        new(Policy("rateLimit: {outbound: {burst: 5}}"), "spec.rateLimit.outbound.requestsPerSecond"),
        new(Policy("rateLimit: {inbound: [{principals: [], requestsPerSecond: 5}]}"), "spec.rateLimit.inbound[0].principals"),
        new(Policy("rateLimit: {inbound: [{principals: [web], requestsPerSecond: 5}]}"), "spec.rateLimit.inbound[0].principals[0]"),
        new(Policy("timeouts: {connect: 0s}"), "spec.timeouts.connect", "must be from 1ms to 1m"),

        // AuthorizationPolicy
        new(Authorization("action: Refuse"), "spec.action"),
        new(Authorization("selector: {matchLabels: {a: \"b c\"}}"), "spec.selector.matchLabels.a"),
        new(Authorization("rules: [{from: {}}]"), "spec.rules[0].from"),
        new(Authorization("rules: [{to: {}}]"), "spec.rules[0].to"),
        new(Authorization("rules: [{from: {principals: []}}]"), "spec.rules[0].from.principals"),
        new(Authorization("rules: [{from: {principals: [web]}}]"), "spec.rules[0].from.principals[0]"),
        new(Authorization("rules: [{from: {namespaces: [\"*a*\"]}}]"), "spec.rules[0].from.namespaces[0]"),
        new(Authorization("rules: [{to: {ports: [0]}}]"), "spec.rules[0].to.ports[0]"),
        new(Authorization("rules: [{to: {methods: [get]}}]"), "spec.rules[0].to.methods[0]"),
        new(Authorization("rules: [{to: {paths: [a]}}]"), "spec.rules[0].to.paths[0]"),
        new(Authorization("rules: [{to: {paths: [/a*b]}}]"), "spec.rules[0].to.paths[0]"),
        new(Authorization("rules: [{to: {paths: [/a;b]}}]"), "spec.rules[0].to.paths[0]"),

        // MeshConfig
        new(Mesh("egress: {mode: Never}"), "spec.egress.mode"),
        new(Mesh("egress: {allow: [\"http://example.com\"]}"), "spec.egress.allow[0]"),
        new(Mesh("{}").Replace("name: default", "name: other", StringComparison.Ordinal), "", "its metadata.name is 'default'"),
        new(Mesh("trustDomain: Example.org"), "spec.trustDomain"),
        new(Mesh("mtls: {mode: strict}"), "spec.mtls.mode"),
        new(Mesh("mtls: {certificateLifetime: 1s}"), "spec.mtls.certificateLifetime", "must be from 10s to 2160h"),
        new(Mesh("clusterNetworks: [10.0.0.0]"), "spec.clusterNetworks[0]"),
        new(Mesh("accessLog: {mode: Some}"), "spec.accessLog.mode"),
        new(Mesh("tracing: {endpoint: \"collector:4317\"}"), "spec.tracing.endpoint"),
        new(Mesh("tracing: {samplingPercent: 101}"), "spec.tracing.samplingPercent"),
        new(Mesh("timeouts: {request: 1s, backendRequest: 2s}"), "spec.timeouts.backendRequest", "is longer than request"),
    ];

    [Fact]
    public void All_AreRefusedByReaders()
    {
        foreach (var bad in All)
        {
            // The place is the same, or one holds the other: readers name the list where an API server names the item.
            Read(bad.Yaml).Errors.ShouldContain(
                e => e.Field.StartsWith(bad.Field, StringComparison.Ordinal) || bad.Field.StartsWith(e.Field, StringComparison.Ordinal), bad.Yaml);
        }
    }

    private static string Authorization(string spec) => $"apiVersion: meshlite.dev/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {{name: a, namespace: shop}}\nspec: {{{spec}}}\n";

    /// <param name="Yaml">The resource.</param>
    /// <param name="Field">The field an API server names.</param>
    /// <param name="Words">What its message holds, where the message is ours (CEL).</param>
    internal sealed record Bad(string Yaml, string Field, string Words = "");
}
