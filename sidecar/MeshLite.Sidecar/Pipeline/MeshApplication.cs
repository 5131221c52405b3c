using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// What Kestrel calls for each request of any listener: the listener's role picks the pipeline. Takes the place
/// of ASP.NET Core's hosting application, whose diagnostics a proxy does not want on its path.
/// </summary>
internal sealed class MeshApplication(
    OutboundPipeline outbound,
    InboundPipeline inbound,
    RequestDelegate admin,
    RequestDelegate telemetry,
    StreamResets resets,
    AttemptSettings attempts,
    TimeProvider time,
    ILogger<MeshApplication> log) : IHttpApplication<RequestState>
{
    /// <inheritdoc/>
    public RequestState CreateContext(IFeatureCollection contextFeatures)
    {
        RequestState state;
        if (contextFeatures is IHostContextContainer<RequestState> container)
        {
            state = container.HostContext ??= new RequestState(attempts);
        }
        else
        {
            state = new RequestState(attempts);
        }

        state.Begin(contextFeatures, time.GetTimestamp());
        return state;
    }

    /// <inheritdoc/>
    public Task ProcessRequestAsync(RequestState context) => context.Connection.Role switch
    {
        ListenerRole.Outbound => outbound.InvokeAsync(context),
        ListenerRole.Inbound => inbound.InvokeAsync(context),
        ListenerRole.Admin => admin(context.Context),
        _ => telemetry(context.Context),
    };

    /// <inheritdoc/>
    public void DisposeContext(RequestState context, Exception? exception)
    {
        if (exception is not null and not BadHttpRequestException)
        {
            PipelineLog.RequestFailed(log, exception, context.Connection.Role);
        }

        if (context.Connection.Resets is not null)
        {
            // What we reset ourselves (ErrorResponder) is none of the caller's doing.
            var http = context.Context;
            resets.OnEnd(context.Connection, http.RequestAborted.IsCancellationRequested && (context.Error is null || !http.Response.HasStarted));
        }

        context.End();
    }
}
