using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using MeshLite.Collector.Wire;
using MeshLite.Protocol.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Collector;

/// <summary>
/// A collector: takes spans by OTLP (https://opentelemetry.io/docs/specs/otlp/), over gRPC or over HTTP, on a free port of
/// loopback. Keeps them all. Thread-safe.
/// </summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private const string Service = "opentelemetry.proto.collector.trace.v1.TraceService";

    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly WebApplication _host;
    private volatile bool _refuses;
    private int _requests;

    private OtlpReceiver(bool overGrpc, X509Certificate2? certificate)
    {
        var grpc = new GrpcServer(new GrpcServerOptions(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        grpc.AddUnary(new GrpcMethod<ExportRequest, ExportResponse>(Service, "Export", ExportRequest.Parser, ExportResponse.Parser), (request, _) =>
            Take(request) ? Task.FromResult(new ExportResponse()) : throw new GrpcException(GrpcStatusCode.Unavailable, "refuses"));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = overGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1;
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        _host = builder.Build();
        _host.Run(overGrpc ? grpc.HandleAsync : HandleHttpAsync);
    }

    /// <summary>What to configure as the collector.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Every span so far.</summary>
    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    /// <summary>Exports so far, refused ones too.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Whether exports are answered with "unavailable".</summary>
    public bool Refuses
    {
        get => _refuses;
        set => _refuses = value;
    }

    /// <summary>Starts one; with a certificate, behind TLS.</summary>
    public static async Task<OtlpReceiver> StartAsync(bool overGrpc = true, X509Certificate2? certificate = null)
    {
        var receiver = new OtlpReceiver(overGrpc, certificate);
        await receiver._host.StartAsync();
        receiver.Address = new Uri(receiver._host.Urls.Single());
        return receiver;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private bool Take(ExportRequest request)
    {
        Interlocked.Increment(ref _requests);
        if (_refuses)
        {
            return false;
        }

        foreach (var from in request.ResourceSpans)
        {
            foreach (var scope in from.ScopeSpans)
            {
                foreach (var span in scope.Spans)
                {
                    _spans.Enqueue(new ReceivedSpan(from.Resource, scope.Scope.Name, span));
                }
            }
        }

        return true;
    }

    private async Task HandleHttpAsync(HttpContext context)
    {
        if (context.Request.Path != "/v1/traces" || context.Request.Method != "POST" || context.Request.ContentType != "application/x-protobuf")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (!Take(ExportRequest.Parser.ParseFrom(body.ToArray())))
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        context.Response.ContentType = "application/x-protobuf";
        await context.Response.Body.WriteAsync(new ExportResponse().ToByteArray(), context.RequestAborted);
    }
}
