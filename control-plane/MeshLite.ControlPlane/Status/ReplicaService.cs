using MeshLite.ControlPlane.Resources;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Microsoft.AspNetCore.Http;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// The gRPC service <c>meshlite.v1.Replica</c>: tells the replica that writes status how far this one's sidecars are. Thread-safe; costs nothing while nobody asks.
/// </summary>
/// <param name="id">Of this process.</param>
/// <param name="tally">What is counted.</param>
/// <param name="census">Who is connected.</param>
/// <param name="isReplica">Whether a caller is the control plane itself.</param>
/// <param name="synced">Completes once the index may be published.</param>
/// <param name="time">Clock of all limits.</param>
/// <param name="stopping">The process is about to end.</param>
internal sealed class ReplicaService(string id, AckTally tally, SidecarCensus census, Func<HttpContext, bool> isReplica, Task synced, TimeProvider time, CancellationToken stopping)
{
    /// <value>How long changes are gathered. 100 ms.</value>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(100);

    /// <value>Between looks at what does not say that it changed. 1 s.</value>
    private static readonly TimeSpan Clock = TimeSpan.FromSeconds(1);

    /// <value>Of one call: a caller proves anew who it is. 1 h.</value>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <value>A message. 1,000 of at most 1 KiB each are below what a message may hold.</value>
    private const int MaxTallies = 1000;

    /// <summary>Adds the service.</summary>
    public void MapTo(GrpcServer server)
    {
        server.AddServerStreaming(MeshMethods.ReplicaTallies, TalliesAsync);
        server.AddUnary(MeshMethods.ReplicaAuthority, AuthorityAsync);
    }

    private Task<AuthorityTally> AuthorityAsync(AuthorityRequest request, GrpcServerCall call)
    {
        DemandReplica(call);
        var seen = census.Count(request.BundleId, request.IssuerKeyId.Memory);
        return Task.FromResult(new AuthorityTally
        {
            Replica = id, Sidecars = (uint)seen.Sidecars, WithRoots = (uint)seen.WithRoots, WithIssuer = (uint)seen.WithIssuer,
            WithoutRoots = { seen.WithoutRoots }, WithoutIssuer = { seen.WithoutIssuer },
        });
    }

    private void DemandReplica(GrpcServerCall call)
    {
        if (!isReplica(call.HttpContext))
        {
            throw new GrpcException(GrpcStatusCode.PermissionDenied, "only another replica of the control plane is told that");
        }
    }

    private async Task TalliesAsync(TalliesRequest request, GrpcStreamWriter<TalliesResponse> writer, GrpcServerCall call)
    {
        DemandReplica(call);
        await synced.WaitAsync(call.CancellationToken);
        using var longest = new CancellationTokenSource(Longest, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, stopping, longest.Token);
        var wakeup = new Wakeup();
        using var reader = new TallyReader(tally, wakeup.Set);
        await using var clock = time.CreateTimer(_ => wakeup.Set(), null, Clock, Clock);
        try
        {
            await SendAsync(writer, reader.Take(), complete: true, ended.Token);
            while (true)
            {
                await wakeup.WaitAsync(ended.Token);
                await Task.Delay(Gather, time, ended.Token);
                if (reader.Take() is { Count: > 0 } changed)
                {
                    await SendAsync(writer, changed, complete: false, ended.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!call.CancellationToken.IsCancellationRequested)
        {
            if (stopping.IsCancellationRequested)
            {
                throw new GrpcException(GrpcStatusCode.Unavailable, "the control plane is stopping");
            }
        }
    }

    private async Task SendAsync(GrpcStreamWriter<TalliesResponse> writer, IReadOnlyList<ResourceTally> tallies, bool complete, CancellationToken cancellationToken)
    {
        foreach (var chunk in tallies.Chunk(MaxTallies))
        {
            await writer.WriteAsync(new TalliesResponse { Replica = id, Tallies = { chunk.Select(ToProto) } }, cancellationToken);
        }

        if (complete)
        {
            await writer.WriteAsync(new TalliesResponse { Replica = id, Complete = true }, cancellationToken);
        }
    }

    /// <summary>As it travels.</summary>
    internal static Tally ToProto(ResourceTally tally) => new()
    {
        Kind = tally.Key.Kind.ToString(), Namespace = tally.Key.Namespace, Name = tally.Key.Name, Generation = tally.Generation, CreatedAt = tally.CreatedAt,
        Sidecars = (uint)tally.Sidecars, Current = (uint)tally.Current, Refused = (uint)tally.Refused, Reason = tally.Reason,
    };

    /// <summary>Back; null: of a kind that a later version has.</summary>
    internal static ResourceTally? FromProto(Tally tally) => Enum.TryParse<ResourceKind>(tally.Kind, out var kind)
        ? new ResourceTally(
            new ResourceKey(kind, tally.Namespace, tally.Name), tally.Generation, tally.CreatedAt, (int)tally.Sidecars, (int)tally.Current, (int)tally.Refused, tally.Reason)
        : null;
}
