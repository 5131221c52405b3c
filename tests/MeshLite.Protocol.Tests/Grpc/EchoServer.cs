using MeshLite.Protocol.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>A <see cref="GrpcServer"/> with <see cref="EchoService"/> on Kestrel, h2c, a free port of 127.0.0.1.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EchoServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public static Task<EchoServer> StartAsync()
    {
        var server = new GrpcServer(new(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        new EchoService().AddTo(server);
        return StartAsync(server.HandleAsync);
    }

    public static async Task<EchoServer> StartAsync(RequestDelegate handler, HttpProtocols protocols = HttpProtocols.Http2)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            GrpcServer.Configure(kestrel.Limits);
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = protocols);
        });
        var app = builder.Build();
        app.Run(handler);
        await app.StartAsync();
        return new(app);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
