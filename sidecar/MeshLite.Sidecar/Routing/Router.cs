using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// The route stage: match the request against its destination's rules, then split over the rule's backends, unless the rule redirects.
/// Pure but for the splits' counters.
/// </summary>
internal static class Router
{
    /// <summary>Sets rule and backend of <paramref name="state"/>, or says why there is none.</summary>
    public static ProxyError? Route(RequestState state)
    {
        var destination = state.Destination!;
        var request = state.Context.Request;
        var target = PathNormalizer.Normalize(state.Context.Features.Get<IHttpRequestFeature>()!.RawTarget);
        if (destination.Routes.LooksAtPaths && target.IsAmbiguous)
        {
            return new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream,
                $"The path can be read in more than one way ({target.Ambiguity}), and '{destination.Service}' has routes by path.");
        }

        if (!destination.Routes.TryMatch(new RequestHead(request.Method, in target, request.Headers), out var match))
        {
            return new ProxyError(ErrorReason.NoRoute, ErrorSource.Mesh, $"No route of '{destination.Service}' matches this request.", Undelivered: true);
        }

        var rule = match.Rule;
        state.Match = match;
        state.Rule = rule;
        if (rule.Redirect is not null)
        {
            return null;
        }

        rule.Rewrite?.Apply(state, in target);
        string? cookie = null;
        var chosen = rule.Sticky is { } sticky ? sticky.Choose(rule.Split, request.Headers, out cookie) : rule.Split.Next();
        state.StickyCookie = cookie;
        if (chosen < 0)
        {
            return new ProxyError(ErrorReason.NoRoute, ErrorSource.Mesh, $"The rule '{rule.Name}' sends requests nowhere.", Undelivered: true);
        }

        state.Backend = destination.Backends[chosen];
        return null;
    }

    /// <summary>
    /// Where a TCP connection goes: to all endpoints of the service, which is backend 0 of every destination. Rules
    /// are about HTTP. Null: the service has no such backend.
    /// </summary>
    public static BackendModel? RouteTcp(DestinationModel destination) =>
        destination.Backends is [{ Config.Missing: false } service, ..] ? service : null;
}
