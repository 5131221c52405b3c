using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>A request on its way to the application: tells it who calls, where that is verified. What the application says with mesh headers is stripped.</summary>
internal sealed class InboundTransformer : MessageTransformer
{
    /// <inheritdoc/>
    protected override void AddToRequest(HttpContext context, HttpRequestMessage request)
    {
        var state = context.Features.Get<RequestState>()!;
        if (state.Connection.Peer is { } peer)
        {
            request.Headers.TryAddWithoutValidation(MeshHeaders.ClientId, state.Connection.PeerId ??= peer.ToString());
        }

        if (context.Request.Headers[MeshHeaders.Timeout] is { Count: 1 } timeout)
        {
            request.Headers.TryAddWithoutValidation(MeshHeaders.Timeout, timeout.ToString());
        }

        // One attempt: nothing is kept for a second. Over HTTP/2 what is written must be flushed, and the answer may come first.
        WrapBody(context, request, always: request.Version.Major > 1)?.Commit();
        state.AttemptCount = 1;
    }

    /// <inheritdoc/>
    protected override bool ServerIsVerifiedSidecar(HttpContext context) => false;
}
