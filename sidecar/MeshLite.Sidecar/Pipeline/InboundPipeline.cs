using MeshLite.Model;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.Timeouts;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// A request to the application beside this sidecar. Stages, in order:
/// <list type="number">
/// <item>Peer: plaintext where mTLS is required goes no further; what the peer says of itself is noted.</item>
/// <item>Message: as outbound.</item>
/// <item>Authorization: the newest policies, for each request; after the message checks, which leave one reading of it.</item>
/// <item>Deadline: the caller's, where it sent one.</item>
/// <item>Admission: the caller's rate, then what this pod takes at once.</item>
/// <item>Forward: to the application, in the HTTP version its caller spoke.</item>
/// <item>Respond: the mesh's own failures, marked undelivered where the application never saw the request.</item>
/// <item>Record.</item>
/// </list>
/// One per program; thread-safe.
/// </summary>
internal sealed class InboundPipeline(
    InboundAuthorization authorization,
    ConnectionTracker connections,
    InboundLimits limits,
    HttpForwarding forwarding,
    RequestRecorder recorder)
{
    /// <summary>Serves one request.</summary>
    public async Task InvokeAsync(RequestState state)
    {
        connections.OnRequest(state.Connection);
        recorder.Begin(state);

        // Step 1: Peer
        state.Error = authorization.CheckMtls(state.Connection);
        NotePeer(state.Connection, state.Context);

        // Step 2: Message
        state.Error ??= MessageChecks.Check(state.Context);

        // Step 3: Authorization
        state.Error ??= authorization.Check(state);

        // Step 4: Deadline
        state.Error ??= RequestDeadline.BeginInbound(state);

        // Steps 5 and 6: Admission, Forward
        state.Error ??= limits.Enter(state);
        if (state.Error is null)
        {
            using var flow = authorization.Guard(state);
            try
            {
                HttpForwarding.Settle(state, await forwarding.ToApplicationAsync(state, state.Timeout));
            }
            finally
            {
                limits.Leave();
            }
        }

        // Step 7: Respond
        if (state.Error is { } error)
        {
            await ErrorResponder.RespondAsync(state.Context, error, toSidecar: state.Connection.Peer is not null);
        }

        // Step 8: Record
        recorder.Inbound(state);
    }

    private static void NotePeer(MeshConnection connection, HttpContext context)
    {
        if (connection.Peer is not null)
        {
            connection.PeerWorkload ??= WorkloadName(context.Request.Headers[MeshHeaders.Source].ToString());
        }
    }

    private static string WorkloadName(string value) => SpiffeId.IsSegment(value) ? value : "";
}
