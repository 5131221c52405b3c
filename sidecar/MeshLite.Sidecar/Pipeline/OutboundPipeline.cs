using MeshLite.Model;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Routing;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// A request of the application beside this sidecar, from its first byte to its record. Stages, in order:
/// <list type="number">
/// <item>Message: refuse what two parsers could read differently, before anything acts on it.</item>
/// <item>Destination: the authority's, or, of a captured connection, the address it was going to; pinned for the whole request; the first use asks the control plane.</item>
/// <item>Route: match, then split. After the destination, which brings the rules.</item>
/// <item>Forward: header modifiers, then attempts, each picking an endpoint anew.</item>
/// <item>Respond: the mesh's own failures; the application's responses have passed already.</item>
/// <item>Record: metrics and access log, whatever happened.</item>
/// </list>
/// One per program; thread-safe.
/// </summary>
internal sealed class OutboundPipeline(
    MeshState mesh,
    ConnectionTracker connections,
    HttpForwarding forwarding,
    Passthrough passthrough,
    RequestRecorder recorder,
    TimeProvider time)
{
    /// <value>Without a policy no call is unbounded: 60 s to the response's headers.</value>
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Serves one request.</summary>
    public async Task InvokeAsync(RequestState state)
    {
        connections.OnRequest(state.Connection);
        recorder.Begin(state);
        var context = state.Context;

        // Step 1: Message
        state.Error = MessageChecks.Check(context);

        // Step 2: Destination
        if (state.Error is null)
        {
            state.Destination = await mesh.ResolveAsync(Authority(state)!, context.RequestAborted);
            state.Error = DestinationError(state);
        }

        // Steps 3 and 4: Route, Forward
        if (state.Error is null)
        {
            if (state.Destination!.Kind == DestinationKind.NotInMesh)
            {
                await passthrough.ForwardAsync(state, state.StartTimeout(DefaultTimeout, time));
            }
            else if ((state.Error = Router.Route(state)) is null)
            {
                await ForwardAsync(state);
            }
        }

        // Step 5: Respond
        if (state.Error is { } error)
        {
            await ErrorResponder.RespondAsync(context, error, toSidecar: false);
        }

        // Step 6: Record
        recorder.Outbound(state);
    }

    private Task ForwardAsync(RequestState state)
    {
        var rule = state.Rule!;
        rule.RequestHeaders?.Apply(state.Context.Request.Headers);
        var timeout = state.StartTimeout(rule.RequestTimeout ?? DefaultTimeout, time);
        return forwarding.ToMeshAsync(state, timeout);
    }

    private static string? Authority(RequestState state) => state.Connection.OriginalAuthority ?? state.Context.Request.Host.Value;

    private static ProxyError? DestinationError(RequestState state) => state.Destination switch
    {
        null when !AuthorityNormalizer.TryNormalize(Authority(state), out _) =>
            new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, $"'{state.Context.Request.Host}' is no host."),
        null => new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh,
            $"The control plane did not say within {MeshState.FirstAnswerTimeout.TotalSeconds:0} s what '{Authority(state)}' is.", Undelivered: true),
        { Kind: DestinationKind.Unknown } => new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh,
            $"No service of the mesh is called '{Authority(state)}'.", Undelivered: true),
        _ => null,
    };
}
