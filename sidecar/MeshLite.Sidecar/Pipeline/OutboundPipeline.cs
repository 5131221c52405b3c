using MeshLite.Model;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.Fallback;
using MeshLite.Sidecar.Resilience.Fault;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// A request of the application beside this sidecar, from its first byte to its record. Stages, in order:
/// <list type="number">
/// <item>Message: refuse what two parsers could read differently, before anything acts on it.</item>
/// <item>Destination: the authority's, or, of a captured connection, the address it was going to; pinned for the whole request; the first use asks the control plane. Of what is not in the mesh only what egress allows goes on, and that without the stages that follow.</item>
/// <item>Route: match, then split; a redirect ends here. After the destination, which brings the rules.</item>
/// <item>Deadline: the rule's or the caller's, whichever is earlier; counted from the request's arrival.</item>
/// <item>Fault: on purpose, within the deadline, and before limits, which are about what is really sent.</item>
/// <item>Admission: rate limit, circuit, concurrency of the backend's Service.</item>
/// <item>Forward: header modifiers, then attempts, each picking an endpoint anew.</item>
/// <item>Respond: the rule's fallback, or the mesh's own failure; the application's responses have passed already.</item>
/// <item>Record: metrics, span and access log, whatever happened.</item>
/// </list>
/// One per program; thread-safe.
/// </summary>
internal sealed class OutboundPipeline(
    MeshState mesh,
    ConnectionTracker connections,
    HttpForwarding forwarding,
    Passthrough passthrough,
    EgressRules egress,
    FaultInjector faults,
    RequestRecorder recorder)
{
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

        if (state.Error is null && state.Destination!.Kind == DestinationKind.NotInMesh)
        {
            await PassAsync(state);
        }
        else if (state.Error is null && await EnterAsync(state)) // Steps 3 to 6: Route, Deadline, Fault, Admission
        {
            // Step 7: Forward. Waited for here and in no method between: each would cost an allocation a request.
            try
            {
                state.Rule!.RequestHeaders?.Apply(context.Request.Headers);
                HttpForwarding.Settle(state, await forwarding.ToMeshAsync(state, state.Timeout));
            }
            finally
            {
                Admission.Leave(state);
            }
        }

        // Step 8: Respond
        if (state.Error is { } error)
        {
            await RespondAsync(state, error);
        }

        // Step 9: Record
        recorder.Outbound(state);
    }

    private async Task PassAsync(RequestState state)
    {
        if ((state.Error = LeaveMesh(state, out var prefix) ?? RequestDeadline.Begin(state, timeout: null)) is null)
        {
            HttpForwarding.Settle(state, await passthrough.ForwardAsync(state, prefix, state.Timeout));
        }
    }

    // To the address a captured connection was going to; where that may not be called, to the host the request names, at that port.
    private ProxyError? LeaveMesh(RequestState state, out string prefix)
    {
        var connection = state.Connection;
        prefix = connection.OriginalPrefix ?? $"http://{state.Context.Request.Host.Value}";
        if (!egress.Restricts || (connection.Original is { } original && egress.Check(original.Address) is null))
        {
            return null;
        }

        var named = AuthorityNormalizer.TryNormalize(state.Context.Request.Host.Value, out var key) ? key.Host.ToString() : "";
        if (connection.Original is { Port: var port })
        {
            prefix = $"http://{named}:{port}";
        }

        return egress.Check(named);
    }

    /// <summary>False: the request ends here; true: it has been admitted, and is to leave again.</summary>
    private async ValueTask<bool> EnterAsync(RequestState state)
    {
        // Step 3: Route
        if ((state.Error = Router.Route(state)) is not null)
        {
            return false;
        }

        var rule = state.Rule!;
        if (rule.Redirect is { } redirect)
        {
            await redirect.RespondAsync(state);
            return false;
        }

        // Step 4: Deadline
        if ((state.Error = RequestDeadline.Begin(state, rule.RequestTimeout)) is not null)
        {
            return false;
        }

        // Step 5: Fault
        if (rule.Fault is { } fault && !await InjectAsync(state, fault))
        {
            return false;
        }

        // Step 6: Admission
        state.Error = await Admission.EnterAsync(state, state.Context.RequestAborted);
        if (state.Error is { } refused && rule.Fallback is { } fallback && await fallback.TryOtherBackendAsync(state, refused, state.Context.RequestAborted))
        {
            state.Error = null;
        }

        return state.Admitted is not null; // else refused, or its caller has left
    }

    /// <summary>False: the request ends here.</summary>
    private async ValueTask<bool> InjectAsync(RequestState state, FaultConfig fault)
    {
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(state.Timeout, state.Context.RequestAborted);
            state.Error = await faults.ApplyAsync(fault, either.Token);
        }
        catch (OperationCanceledException)
        {
            state.Error = state.TimedOut ? RequestDeadline.TimedOut(undelivered: true) : null;
            return false;
        }

        return state.Error is null;
    }

    private static Task RespondAsync(RequestState state, ProxyError error)
    {
        if (state.Rule?.Fallback is { Response: not null } fallback && FallbackModel.Covers(error) && !state.Context.Response.HasStarted)
        {
            state.Masked = error;
            state.Error = null;
            return fallback.RespondAsync(state.Context);
        }

        return ErrorResponder.RespondAsync(state.Context, error, toSidecar: false);
    }

    private static string? Authority(RequestState state) => state.Connection.OriginalAuthority ?? state.Context.Request.Host.Value;

    private ProxyError? DestinationError(RequestState state) => state.Destination switch
    {
        null when !AuthorityNormalizer.TryNormalize(Authority(state), out _) =>
            new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, $"'{state.Context.Request.Host}' is no host."),
        null => new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh,
            $"The control plane did not say within {mesh.FirstAnswerTimeout.TotalSeconds:0} s what '{Authority(state)}' is.", Undelivered: true),
        { Kind: DestinationKind.Unknown } => new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh,
            $"No service of the mesh is called '{Authority(state)}'.", Undelivered: true),
        _ => null,
    };
}
