using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>A request on its way to the application: tells it who calls, where that is verified. What the application says with mesh headers is stripped.</summary>
internal sealed class InboundTransformer : MessageTransformer
{
    /// <inheritdoc/>
    protected override void AddToRequest(HttpContext context, HttpRequestMessage request)
    {
        var state = RequestState.Of(context);
        if (state.Connection.Peer is { } peer)
        {
            request.Headers.TryAddWithoutValidation(MeshHeaders.ClientId, state.Connection.PeerId ??= peer.ToString());
        }

        // Over HTTP/2 what is written must be flushed, and the answer may come first. What may be sent twice is kept for that.
        var maySendTwice = RetryPolicy.Default.MayResend(context.Request, RetryCause.Reset);
        WrapBody(context, request, always: request.Version.Major > 1 || maySendTwice);
    }

    /// <inheritdoc/>
    protected override bool ServerIsVerifiedSidecar(HttpContext context) => false;
}
