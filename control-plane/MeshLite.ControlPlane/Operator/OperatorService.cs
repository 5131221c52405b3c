using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Microsoft.AspNetCore.Http;

namespace MeshLite.ControlPlane.Operator;

/// <summary>
/// The gRPC service <c>meshlite.v1.Operator</c>, what meshctl asks, and its counterpart between replicas: each reports for itself, the one that is asked
/// gathers. Thread-safe; costs nothing while nobody asks.
/// </summary>
/// <param name="reporter">What this replica knows.</param>
/// <param name="others">The other replicas; null: standalone there are none.</param>
/// <param name="synced">Completes once the index may be published.</param>
internal sealed class OperatorService(ReplicaReporter reporter, OtherReplicas? others, Task synced)
{
    /// <summary>Adds the services. Everything an operator may call goes through <paramref name="gate"/>; <paramref name="isReplica"/>: whether a caller is the control plane itself.</summary>
    public void MapTo(GrpcServer server, OperatorGate gate, Func<HttpContext, bool> isReplica)
    {
        gate.AddServerStreaming(MeshMethods.OperatorReport, ReportAsync);
        server.AddServerStreaming(MeshMethods.ReplicaReport, (request, writer, call) => isReplica(call.HttpContext)
            ? ReportOwnAsync(request, writer, call)
            : throw new GrpcException(GrpcStatusCode.PermissionDenied, "only another replica of the control plane is told that"));
    }

    private async Task ReportAsync(ReportRequest request, GrpcStreamWriter<ReplicaReport> writer, GrpcServerCall call)
    {
        await synced.WaitAsync(call.CancellationToken);
        var asked = others?.AskAsync(request, call.CancellationToken);
        await ReportOwnAsync(request, writer, call);
        foreach (var report in asked is null ? [] : await asked)
        {
            await writer.WriteAsync(report);
        }
    }

    private async Task ReportOwnAsync(ReportRequest request, GrpcStreamWriter<ReplicaReport> writer, GrpcServerCall call)
    {
        await synced.WaitAsync(call.CancellationToken);
        foreach (var report in reporter.Report(request))
        {
            await writer.WriteAsync(report);
        }
    }
}
