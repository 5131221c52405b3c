using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Grpc;

/// <summary>The methods of <c>meshlite.v1</c>.</summary>
public static class MeshMethods
{
    /// <summary><c>Configuration.Stream</c>: bidirectional, one per sidecar.</summary>
    public static GrpcMethod<SidecarMessage, ControlPlaneMessage> ConfigurationStream { get; } =
        new("meshlite.v1.Configuration", "Stream", SidecarMessage.Parser, ControlPlaneMessage.Parser);

    /// <summary><c>Identity.Certify</c>: unary.</summary>
    public static GrpcMethod<CertifyRequest, CertifyResponse> IdentityCertify { get; } =
        new("meshlite.v1.Identity", "Certify", CertifyRequest.Parser, CertifyResponse.Parser);

    /// <summary><c>Replica.Tallies</c>: server streaming, between replicas of the control plane.</summary>
    public static GrpcMethod<TalliesRequest, TalliesResponse> ReplicaTallies { get; } =
        new("meshlite.v1.Replica", "Tallies", TalliesRequest.Parser, TalliesResponse.Parser);

    /// <summary><c>Replica.Report</c>: server streaming, between replicas of the control plane.</summary>
    public static GrpcMethod<ReportRequest, ReplicaReport> ReplicaReport { get; } =
        new("meshlite.v1.Replica", "Report", ReportRequest.Parser, V1.ReplicaReport.Parser);

    /// <summary><c>Operator.Report</c>: server streaming, for meshctl.</summary>
    public static GrpcMethod<ReportRequest, ReplicaReport> OperatorReport { get; } =
        new("meshlite.v1.Operator", "Report", ReportRequest.Parser, V1.ReplicaReport.Parser);
}
