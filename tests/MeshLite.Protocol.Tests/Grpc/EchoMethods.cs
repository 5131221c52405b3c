using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>The methods of <c>echo.proto</c>.</summary>
internal static class EchoMethods
{
    public static GrpcMethod<EchoRequest, EchoResponse> Unary { get; } = Method("Unary");

    public static GrpcMethod<EchoRequest, EchoResponse> ServerStream { get; } = Method("ServerStream");

    public static GrpcMethod<EchoRequest, EchoResponse> ClientStream { get; } = Method("ClientStream");

    public static GrpcMethod<EchoRequest, EchoResponse> Bidi { get; } = Method("Bidi");

    public static GrpcMethod<EchoRequest, EchoResponse> AwaitCancelled { get; } = Method("AwaitCancelled");

    public static GrpcMethod<EchoRequest, EchoResponse> Progress { get; } = Method("Progress");

    public static GrpcMethod<EchoRequest, EchoResponse> Release { get; } = Method("Release");

    public static GrpcMethod<EchoRequest, EchoResponse> Missing { get; } = Method("Missing");

    private static GrpcMethod<EchoRequest, EchoResponse> Method(string name) =>
        new("meshlite.test.Echo", name, EchoRequest.Parser, EchoResponse.Parser);
}
