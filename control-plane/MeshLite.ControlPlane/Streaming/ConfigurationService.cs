using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Sources;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// The gRPC service <c>meshlite.v1.Configuration</c>. Thread-safe; one call of <see cref="StreamAsync"/> a sidecar.
/// </summary>
/// <param name="callerOf">Who is at the other end, by its certificate; null: nobody proved.</param>
/// <param name="synced">Completes once the index may be published; nobody is answered before.</param>
/// <param name="publisher">Where resources come from.</param>
/// <param name="sources">Where workloads register, if they do, and what a sidecar's own resource is.</param>
/// <param name="mesh">Resource <c>mesh</c>.</param>
/// <param name="sidecars">Where streams show themselves to operators.</param>
/// <param name="time">Clock of all limits.</param>
/// <param name="metrics">Counts streams.</param>
/// <param name="logger">Log.</param>
/// <param name="stopping">The process is about to end.</param>
internal sealed class ConfigurationService(
    Func<HttpContext, Caller?> callerOf, Task synced, Publisher publisher, ISources sources, MeshKey mesh, ConnectedSidecars sidecars,
    TimeProvider time, ControlPlaneMetrics metrics, ILogger<ConfigurationService> logger, CancellationToken stopping)
{
    private readonly UpdateGate _gate = new(time);

    /// <summary>Adds the service.</summary>
    public void MapTo(GrpcServer server) => server.AddDuplex(EncodedMessage.Method, StreamAsync);

    /// <summary>
    /// Serves one sidecar:
    /// <list type="number">
    /// <item>who it is, by its certificate</item>
    /// <item>Hello: what it is called and serves</item>
    /// <item>registration, then messages both ways until the stream ends: at the latest with the certificate</item>
    /// </list>
    /// </summary>
    public async Task StreamAsync(GrpcStreamReader<SidecarMessage> reader, GrpcStreamWriter<EncodedMessage> writer, GrpcServerCall call)
    {
        // Step 1
        var remote = call.HttpContext.Connection.RemoteIpAddress?.ToString();
        if (callerOf(call.HttpContext) is not { } caller)
        {
            StreamingLog.StreamRefused(logger, remote, "no valid certificate of this mesh");
            throw new GrpcException(GrpcStatusCode.Unauthenticated, "the stream needs a client certificate of this mesh; get one from meshlite.v1.Identity/Certify");
        }

        await synced.WaitAsync(call.CancellationToken);

        // Step 2
        var hello = await ReadHelloAsync(reader, call.CancellationToken);
        StreamOwner owner;
        try
        {
            owner = HelloReader.Read(hello, caller);
        }
        catch (GrpcException refusal)
        {
            StreamingLog.StreamRefused(logger, remote, $"{caller.Id}: {refusal.Message}");
            throw;
        }

        // Step 3
        StreamingLog.StreamBegan(logger, owner.Identity, owner.Workload, remote, hello.SidecarVersion);
        metrics.StreamBegan();
        var status = "OK";
        var reason = "the sidecar ended it";
        try
        {
            await RunAsync(hello, owner, caller, reader, writer, call);
        }
        catch (GrpcException end)
        {
            (status, reason) = (end.Code.ToString(), end.Message);
            throw;
        }
        catch (Exception end) when (call.CancellationToken.IsCancellationRequested)
        {
            // Whatever a broken connection looks like from here.
            (status, reason) = ("Cancelled", end is OperationCanceledException ? "its connection is lost" : end.Message);
            throw;
        }
        finally
        {
            metrics.StreamEnded(status);
            StreamingLog.StreamEnded(logger, owner.Identity, owner.Workload, reason);
        }
    }

    private async Task RunAsync(
        Hello? hello, StreamOwner owner, Caller caller, GrpcStreamReader<SidecarMessage> reader, GrpcStreamWriter<EncodedMessage> writer, GrpcServerCall call)
    {
        using var expiry = CancelAt(caller.ExpiresAt);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, stopping, expiry.Token);
        var mailbox = new Mailbox();
        using var state = new StreamState(publisher, mailbox, mesh, sources.KeyOf(owner));
        state.Subscribe(hello!.Authorities);
        state.SetHeld(hello.Held);
        var connected = new ConnectedSidecar(owner, hello.SidecarVersion, caller, state.Own, time.GetUtcNow());
        // A stream lives for hours; of what it began with, only the state stays.
        hello = null;
        using var lease = owner.Registration is { } registration ? sources.Workloads?.Register(registration) : null;
        try
        {
            sidecars.Add(connected);
            await new SidecarStream(owner, state, mailbox, lease, connected, _gate, time, metrics, logger).RunAsync(reader.ReadAsync, writer.WriteAsync, ended.Token);
        }
        catch (OperationCanceledException) when (!call.CancellationToken.IsCancellationRequested)
        {
            throw stopping.IsCancellationRequested
                ? new GrpcException(GrpcStatusCode.Unavailable, "the control plane is stopping")
                : new GrpcException(GrpcStatusCode.Unauthenticated, "the certificate has expired; come back with the renewed one");
        }
        finally
        {
            sidecars.Remove(connected);
        }
    }

    private async Task<Hello> ReadHelloAsync(GrpcStreamReader<SidecarMessage> reader, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(StreamLimits.HelloTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token, stopping);
        try
        {
            return (await reader.ReadAsync(either.Token))?.Hello ?? throw new GrpcException(GrpcStatusCode.InvalidArgument, "a stream begins with Hello");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw stopping.IsCancellationRequested
                ? new GrpcException(GrpcStatusCode.Unavailable, "the control plane is stopping")
                : new GrpcException(GrpcStatusCode.DeadlineExceeded, $"no Hello within {StreamLimits.HelloTimeout}");
        }
    }

    private CancellationTokenSource CancelAt(DateTimeOffset at)
    {
        var left = at - time.GetUtcNow();
        // Timers reach 49 days; a certificate that lives longer ends its stream by then all the same.
        return new CancellationTokenSource(left <= TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : left < TimeSpan.FromDays(40) ? left : TimeSpan.FromDays(40), time);
    }
}
