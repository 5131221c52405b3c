using Google.Protobuf;
using MeshLite.Protocol.Pki;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// gRPC over ASP.NET Core's HTTP/2 (stands in for Grpc.AspNetCore): methods are added once at startup, then
/// <see cref="HandleAsync"/> is the endpoint's request delegate. Thread-safe once the methods are added.
/// </summary>
public sealed class GrpcServer(GrpcServerOptions options, TimeProvider time, ILogger<GrpcServer> logger)
{
    private readonly Dictionary<string, Method> _methods = new(StringComparer.Ordinal);

    /// <summary>Calls that ended with another status than OK: <c>method status</c>; methods nobody serves are <c>_other</c>.</summary>
    public ReasonCounter Failures { get; } = new();

    /// <summary>
    /// What a Kestrel that carries streams needs. Its minimum data rates would break streams that are idle, or whose
    /// caller reads slowly, and cannot be lifted for one HTTP/2 request; a dead connection is found by pings instead (10 s,
    /// answer within 5 s). Its connection window (1 MiB, of which up to half is returned late) can be used up by one
    /// stream whose handler does not read (768 KiB), which then stops all others of the connection: 16 MiB.
    /// </summary>
    public static void Configure(KestrelServerLimits limits)
    {
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestBodySize = null;
        limits.Http2.InitialConnectionWindowSize = 16 * 1024 * 1024;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
    }

    /// <summary>One request, one response. <paramref name="maxRequestBytes"/>: where it is known to be less than for other methods.</summary>
    public void AddUnary<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, Func<TRequest, GrpcServerCall, Task<TResponse>> handler, int? maxRequestBytes = null)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => _methods.Add(method.Path, new Method(
            async call =>
            {
                var request = await call.Reader.ReadSingleAsync(method.RequestParser, call.CancellationToken);
                WriteOnly(call, await handler(request, call));
            },
            maxRequestBytes ?? options.MaxReceiveMessageBytes));

    /// <summary>One request, any number of responses.</summary>
    public void AddServerStreaming<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<TRequest, GrpcStreamWriter<TResponse>, GrpcServerCall, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => Add(method.Path, async call =>
        {
            var request = await call.Reader.ReadSingleAsync(method.RequestParser, call.CancellationToken);
            await handler(request, new(call), call);
        });

    /// <summary>Any number of requests, one response.</summary>
    public void AddClientStreaming<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<GrpcStreamReader<TRequest>, GrpcServerCall, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => Add(method.Path, async call =>
            WriteOnly(call, await handler(new(call, method.RequestParser), call)));

    /// <summary>Any number of either, in any order.</summary>
    public void AddDuplex<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<GrpcStreamReader<TRequest>, GrpcStreamWriter<TResponse>, GrpcServerCall, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => Add(method.Path, call =>
            handler(new(call, method.RequestParser), new(call), call));

    /// <summary>
    /// Serves one request:
    /// <list type="number">
    /// <item>what is no gRPC request gets an HTTP status</item>
    /// <item>deadline and caller's cancellation become one token</item>
    /// <item>the method's handler runs</item>
    /// <item>its outcome goes into the trailers</item>
    /// </list>
    /// </summary>
    public async Task HandleAsync(HttpContext context)
    {
        // Step 1
        if (!GrpcServerProtocol.Accept(context))
        {
            return;
        }

        // Step 2
        var timeoutHeader = context.Request.Headers[GrpcHeaders.Timeout];
        var hasTimeout = GrpcTimeout.TryParse(timeoutHeader, out var timeout);
        using var expiry = hasTimeout && timeout < GrpcHeaders.LongestTimer ? new CancellationTokenSource(timeout, time) : new();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, expiry.Token);
        var deadline = hasTimeout && timeout < GrpcHeaders.LongestTimer ? time.GetUtcNow() + timeout : (DateTimeOffset?)null;
        var method = _methods.GetValueOrDefault(context.Request.Path.Value ?? "");
        var call = new GrpcServerCall(context, deadline, method.Run is null ? options.MaxReceiveMessageBytes : method.MaxMessageBytes, ended.Token);

        // Step 3
        var status = timeoutHeader.Count > 0 && !hasTimeout
            ? new GrpcException(GrpcStatusCode.Internal, $"malformed grpc-timeout '{timeoutHeader}'")
            : await RunAsync(call, method.Run, expiry.Token);
        if (status is not null)
        {
            Failures.Increment($"{(method.Run is null ? "_other" : context.Request.Path.Value)} {status.Code}");
        }

        // Step 4
        GrpcServerProtocol.Finish(call, status);
    }

    private void Add(string path, Func<GrpcServerCall, Task> run) => _methods.Add(path, new Method(run, options.MaxReceiveMessageBytes));

    private static void WriteOnly<TResponse>(GrpcServerCall call, TResponse response)
        where TResponse : class, IMessage<TResponse>
    {
        // Not flushed: message and trailers leave together.
        call.ApplyHeaders();
        call.Writer.Write(response);
    }

    /// <summary>Null: OK.</summary>
    private async Task<GrpcException?> RunAsync(GrpcServerCall call, Func<GrpcServerCall, Task>? method, CancellationToken expired)
    {
        var path = call.HttpContext.Request.Path.Value ?? "";
        GrpcException status;
        try
        {
            if (method is null)
            {
                return new GrpcException(GrpcStatusCode.Unimplemented, $"no method {path}");
            }

            await method(call);
            return null;
        }
        catch (Exception) when (expired.IsCancellationRequested)
        {
            status = new(GrpcStatusCode.DeadlineExceeded, "the deadline passed");
        }
        catch (Exception) when (call.HttpContext.RequestAborted.IsCancellationRequested)
        {
            status = new(GrpcStatusCode.Cancelled, "the caller cancelled, or its connection is lost");
        }
        catch (GrpcException e)
        {
            status = e;
        }
        catch (Exception e)
        {
            GrpcLog.HandlerFailed(logger, e, path);
            return new GrpcException(GrpcStatusCode.Unknown, "the handler failed");
        }

        GrpcLog.CallFailed(logger, path, status.Code, status.Message);
        return status;
    }

    private readonly record struct Method(Func<GrpcServerCall, Task> Run, int MaxMessageBytes);
}
