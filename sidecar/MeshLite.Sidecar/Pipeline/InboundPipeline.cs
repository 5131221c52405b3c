using MeshLite.Model;
using MeshLite.Sidecar.Config;
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
/// <item>Deadline: the caller's, where it sent one.</item>
/// <item>Admission: the caller's rate, then what this pod takes at once.</item>
/// <item>Forward: to the application, in the HTTP version its caller spoke.</item>
/// <item>Respond: the mesh's own failures, marked undelivered where the application never saw the request.</item>
/// <item>Record.</item>
/// </list>
/// One per program; thread-safe.
/// </summary>
internal sealed class InboundPipeline(
    MeshState mesh,
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
        state.Error = CheckPeer(state);

        // Step 2: Message
        state.Error ??= MessageChecks.Check(state.Context);

        // Step 3: Deadline
        state.Error ??= RequestDeadline.BeginInbound(state);

        // Steps 4 and 5: Admission, Forward
        state.Error ??= limits.Enter(state);
        if (state.Error is null)
        {
            try
            {
                await forwarding.ToApplicationAsync(state, state.Timeout);
            }
            finally
            {
                limits.Leave();
            }
        }

        // Step 6: Respond
        if (state.Error is { } error)
        {
            await ErrorResponder.RespondAsync(state.Context, error, toSidecar: state.Connection.Peer is not null);
        }

        // Step 7: Record
        recorder.Inbound(state);
    }

    private ProxyError? CheckPeer(RequestState state)
    {
        var connection = state.Connection;
        if (connection.Peer is null)
        {
            return mesh.Workload?.Mtls == MtlsMode.Permissive
                ? null
                : new ProxyError(ErrorReason.Denied, ErrorSource.Downstream, "This workload accepts only mTLS from the mesh.");
        }

        connection.PeerWorkload ??= WorkloadName(state.Context.Request.Headers[MeshHeaders.Source].ToString());
        return null;
    }

    private static string WorkloadName(string value) => SpiffeId.IsSegment(value) ? value : "";
}
