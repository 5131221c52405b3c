using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Pipeline;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A request on its way to a peer sidecar: says who calls and in which HTTP version the application spoke; on the
/// way back applies the rule's response headers.
/// </summary>
internal sealed class OutboundTransformer(MeshState mesh) : MessageTransformer
{
    /// <inheritdoc/>
    protected override void AddToRequest(HttpContext context, HttpRequestMessage request)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            request.Headers.TryAddWithoutValidation(MeshHeaders.Protocol, "2");
        }

        if (mesh.Workload is { Workload.Length: > 0 } self)
        {
            request.Headers.TryAddWithoutValidation(MeshHeaders.Source, self.Workload);
        }

        WrapBody(context, request, always: true);
    }

    /// <inheritdoc/>
    protected override void OnAnswered(RequestState state)
    {
        var headers = state.Context.Response.Headers;
        state.Rule!.ResponseHeaders?.Apply(headers);
        if (state.StickyCookie is { } cookie)
        {
            headers.SetCookie = StringValues.Concat(headers.SetCookie, cookie);
        }

        if (state.BudgetSpent)
        {
            headers[MeshHeaders.RetryBudget] = "spent";
        }
    }

    /// <inheritdoc/>
    protected override bool ServerIsVerifiedSidecar(HttpContext context) => true;
}
