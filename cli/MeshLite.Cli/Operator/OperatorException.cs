using MeshLite.Protocol.Grpc;

namespace MeshLite.Cli.Operator;

/// <summary>Why the control plane does not answer, what of it that concerns, and what to do.</summary>
internal sealed class OperatorException(string subject, string message, string advice) : Exception(message)
{
    /// <summary>How to come by a token that is good.</summary>
    public const string GetToken =
        "get a new token: meshctl token create --namespace meshlite-system --service-account meshlite-operator, or kubectl -n meshlite-system create token meshlite-operator --audience meshlite-control-plane";

    /// <summary><c>control plane</c>, <c>TLS</c>, <c>identity</c>.</summary>
    public string Subject => subject;

    /// <summary>What to do.</summary>
    public string Advice => advice;

    /// <summary>From the status of a call.</summary>
    public static OperatorException Of(GrpcException refusal, OperatorTarget target) => refusal.Code switch
    {
        GrpcStatusCode.Unavailable when refusal.Message.Contains("the control plane's certificate", StringComparison.Ordinal) =>
            new("TLS", refusal.Message, "is --control-plane-ca of this mesh, and HOST (or --server-name) a name of the control plane?"),
        GrpcStatusCode.Unavailable or GrpcStatusCode.DeadlineExceeded =>
            new("control plane", $"{target.Address.Authority} does not answer: {refusal.Message}", "is it running, --control-plane its gRPC port, and what does its :15014/ready say?"),
        GrpcStatusCode.Unauthenticated or GrpcStatusCode.PermissionDenied => new("identity", refusal.Message, GetToken),
        GrpcStatusCode.Unimplemented => new("control plane", refusal.Message, "it is older than this meshctl: use the meshctl of its version"),
        _ => new("control plane", $"{refusal.Code}: {refusal.Message}", "its log says more"),
    };
}
