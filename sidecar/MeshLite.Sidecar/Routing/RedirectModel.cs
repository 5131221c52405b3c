using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Answers with a redirect (Gateway API HTTPRequestRedirectFilter). What the filter leaves out stays as the request has it; a port
/// that is the scheme's own is not written. Immutable.
/// </summary>
internal sealed class RedirectModel(RedirectConfig config)
{
    /// <summary>Writes the response.</summary>
    public Task RespondAsync(RequestState state)
    {
        var response = state.Context.Response;
        response.StatusCode = config.StatusCode;
        response.Headers.Location = Location(state);
        response.ContentLength = 0;
        return response.CompleteAsync();
    }

    private string Location(RequestState state)
    {
        var request = state.Context.Request;
        var target = PathNormalizer.Normalize(state.Context.Features.Get<IHttpRequestFeature>()!.RawTarget);
        var scheme = config.Scheme ?? "http";

        // Gateway API: without a port of its own, that of the scheme if the filter names one, else the request's.
        var port = config.Port ?? (config.Scheme is null ? request.Host.Port : null);
        var isDefault = port is null || (scheme, port) is ("http", 80) or ("https", 443);
        var host = config.Hostname ?? request.Host.Host;
        var path = config.Path is { } rewrite ? PathRewrite.Apply(rewrite, in target, state.Match!.Path) : PathAndQuery(in target);
        return isDefault ? $"{scheme}://{host}{path}" : $"{scheme}://{host}:{port}{path}";
    }

    private static string PathAndQuery(in RequestTarget target)
    {
        var path = target.RawPath.IsEmpty ? "/" : target.RawPath;
        return target.Query.IsEmpty ? path.ToString() : $"{path}?{target.Query}";
    }
}
