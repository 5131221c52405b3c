using MeshLite.Hosting;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Ends HTTP/2 connections whose callers take back too many requests (<see cref="ResetBudget"/>), and counts them. One per program; thread-safe.</summary>
internal sealed class StreamResets(RefusalCounter refusals)
{
    private const string Reason = "too_many_resets";

    /// <summary>Called as each request of an HTTP/2 connection ends. <paramref name="reset"/>: its caller took it back, or has lost the connection.</summary>
    public void OnEnd(MeshConnection connection, bool reset)
    {
        switch (connection.Resets!.Ended(reset))
        {
            // A connection that broke with all its requests is no refusal of ours.
            case ResetVerdict.Ask when connection.Transport is { ConnectionClosed.IsCancellationRequested: false } transport:
                refusals.Refused(MeshServer.Name(connection.Role), $"{transport.RemoteEndPoint}", Reason, $"{ResetBudget.Full:N0} requests more were reset than let finish");
                connection.Lifetime?.RequestClose();
                break;
            case ResetVerdict.Cut:
                connection.Transport?.Abort(new ConnectionAbortedException("Too many streams were reset."));
                break;
        }
    }
}
