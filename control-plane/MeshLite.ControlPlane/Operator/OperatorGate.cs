using Google.Protobuf;
using MeshLite.Protocol.Grpc;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Operator;

/// <summary>
/// The only way methods of <c>meshlite.v1.Operator</c> get on the server: who is no operator gets PERMISSION_DENIED whatever he asks, and every call is counted and
/// logged with its outcome. Thread-safe.
/// </summary>
/// <param name="server">Where methods go.</param>
/// <param name="isOperator">Whether a caller has the reserved identity, by the certificate of its connection.</param>
/// <param name="metrics">Counts calls.</param>
/// <param name="logger">Log.</param>
internal sealed class OperatorGate(GrpcServer server, Func<HttpContext, bool> isOperator, ControlPlaneMetrics metrics, ILogger<OperatorGate> logger)
{
    /// <summary>A method with one request and one response.</summary>
    public void AddUnary<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, Func<TRequest, GrpcServerCall, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => server.AddUnary(method, async (request, call) =>
        {
            TResponse? response = null;
            await GuardAsync(method.Name, call, async () => response = await handler(request, call));
            return response!;
        });

    /// <summary>A method with one request and any number of responses.</summary>
    public void AddServerStreaming<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<TRequest, GrpcStreamWriter<TResponse>, GrpcServerCall, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => server.AddServerStreaming(method, (request, writer, call) =>
            GuardAsync(method.Name, call, () => handler(request, writer, call)));

    private async Task GuardAsync(string method, GrpcServerCall call, Func<Task> handle)
    {
        var remote = call.HttpContext.Connection.RemoteIpAddress?.ToString();
        if (!isOperator(call.HttpContext))
        {
            metrics.OperatorCalled(method, "denied");
            OperatorLog.CallDenied(logger, method, remote);
            throw new GrpcException(GrpcStatusCode.PermissionDenied, "only the mesh's operator (service account meshlite-operator in meshlite-system) may ask that");
        }

        var result = "failed";
        try
        {
            await handle();
            result = "ok";
        }
        finally
        {
            metrics.OperatorCalled(method, result);
            OperatorLog.Called(logger, method, remote, result);
        }
    }
}
