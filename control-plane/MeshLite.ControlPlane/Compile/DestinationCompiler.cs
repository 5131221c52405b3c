using System.Collections.Immutable;
using System.Globalization;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// An authority, as a caller in some namespace writes it, to a <see cref="DestinationConfig"/>. Pure: the same view
/// gives the same result, whatever the order in which its documents came.
/// <list type="bullet">
/// <item>A service without attached routes has one rule, <c>default</c>, to itself.</item>
/// <item>With routes attached, their matches in precedence decide; what none matches has no route.</item>
/// <item>Backend 0 is always the service itself with all its endpoints: where TCP goes, to which HTTP routes do not apply.</item>
/// </list>
/// </summary>
public static class DestinationCompiler
{
    /// <summary>Name of the rule of a service without routes.</summary>
    public const string DefaultRule = "default";

    /// <summary>Compiles.</summary>
    public static CompiledDestination Compile(IndexView view, string authority, string callerNamespace)
    {
        var resolution = AuthorityResolver.Resolve(view, authority, callerNamespace);
        var config = new DestinationConfig { Authority = authority, Kind = resolution.Kind };
        if (resolution.Kind != DestinationKind.Service)
        {
            return new CompiledDestination(config, [], [.. resolution.DependsOn]);
        }

        if (resolution.Workload is { } workload)
        {
            return PodCompiler.Destination(config, workload, resolution);
        }

        if (ServicePorts.Find(view, resolution.Service, resolution.Port) is not { } port)
        {
            return new CompiledDestination(config with { Kind = DestinationKind.Unknown }, [], [.. resolution.DependsOn]);
        }

        var backends = new BackendTable(view, port.Called);
        backends.AddSelf(resolution.Service, port);
        var routes = port.Protocol == AppProtocol.Tcp ? [] : RoutesOf(view, resolution.Service, port.Called);
        var (matches, rules) = routes.IsEmpty
            ? (ImmutableArray.Create(new RouteMatchConfig { Rule = 0 }), ImmutableArray.Create(MakeDefaultRule(view, resolution.Service)))
            : Flatten(view, resolution.Service, routes, backends);
        return new CompiledDestination(
            config with
            {
                Service = new ServiceRef(resolution.Service.Namespace, resolution.Service.Name, port.Port),
                Protocol = port.Protocol,
                Matches = matches,
                Rules = rules,
                Backends = backends.Backends,
            },
            backends.Endpoints,
            [.. resolution.DependsOn, .. backends.DependsOn]);
    }

    /// <summary>Routes attached to a port, oldest first.</summary>
    internal static ImmutableArray<TrafficRouteResource> RoutesOf(IndexView view, ServiceKey service, int port) =>
        view.Routes.TryGetValue(service, out var routes)
            ? [.. routes.Where(r => r.Parents.Any(p => p.Name == service.Name && (p.Port ?? port) == port))]
            : [];

    private static RouteRuleConfig MakeDefaultRule(IndexView view, ServiceKey service) => new()
    {
        Name = DefaultRule,
        Backends = [new WeightedBackendConfig(0, 1)],
        RequestTimeout = view.PolicyOf(service)?.RequestTimeout ?? view.Mesh.RequestTimeout,
        BackendRequestTimeout = view.Mesh.BackendRequestTimeout,
        Retry = view.Mesh.Retry,
    };

    private static (ImmutableArray<RouteMatchConfig> Matches, ImmutableArray<RouteRuleConfig> Rules) Flatten(
        IndexView view, ServiceKey service, ImmutableArray<TrafficRouteResource> routes, BackendTable backends)
    {
        var candidates = new List<CandidateMatch>();
        var rules = ImmutableArray.CreateBuilder<RouteRuleConfig>();
        var indexes = new Dictionary<(ResourceKey Route, int Rule), int>();
        foreach (var route in routes)
        {
            for (var r = 0; r < route.Rules.Length; r++)
            {
                indexes[(route.Key, r)] = rules.Count;
                rules.Add(MakeRule(view, service, route, r, backends));
                candidates.AddRange(route.Rules[r].Matches.Select((match, i) => new CandidateMatch(match, route, r, i)));
            }
        }

        candidates.Sort(RoutePrecedence.Instance);
        var matches = candidates.Select(c => new RouteMatchConfig
        {
            Rule = indexes[(c.Route.Key, c.Rule)],
            Path = c.Match.Path,
            Headers = c.Match.Headers,
            Query = c.Match.Query,
            Method = c.Match.Method,
        });
        return ([.. matches], rules.ToImmutable());
    }

    private static RouteRuleConfig MakeRule(IndexView view, ServiceKey service, TrafficRouteResource route, int index, BackendTable backends)
    {
        var rule = route.Rules[index];
        var byDefault = MakeDefaultRule(view, service);
        return byDefault with
        {
            Name = $"{route.Key.Name}/{rule.Name ?? index.ToString(CultureInfo.InvariantCulture)}",
            Backends = [.. rule.Backends.Select(b => new WeightedBackendConfig(backends.Add(b, route.Key.Namespace), b.Weight))],
            RequestHeaders = rule.RequestHeaders,
            ResponseHeaders = rule.ResponseHeaders,
            RequestTimeout = rule.RequestTimeout ?? byDefault.RequestTimeout,
            BackendRequestTimeout = rule.BackendRequestTimeout ?? byDefault.BackendRequestTimeout,
            Retry = rule.Retry ?? byDefault.Retry,
            Hedge = rule.Hedge,
            Fallback = rule.Fallback is { } fallback
                ? new FallbackConfig { Response = fallback.Response, Backend = fallback.Backend is { } backend ? backends.Add(backend, route.Key.Namespace) : null }
                : null,
            Sticky = rule.Sticky,
            Fault = rule.Fault,
            Mirrors = [.. rule.Mirrors.Select(m => new MirrorConfig(backends.Add(m.Backend, route.Key.Namespace), m.Percent))],
            Redirect = rule.Redirect,
            Rewrite = rule.Rewrite,
        };
    }
}
