using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.PodApp;

/// <summary>
/// The servers of one pod. <c>--exit-at-once</c>: at SIGTERM it takes no new connection, finishes the requests it has begun, and
/// is gone, with no grace for anybody who has not noticed. Without, it waits 3 s first, as a careful application does.
/// <c>--ledger FILE</c>: as it ends, it writes down which request ids it saw, and how often.
/// </summary>
internal static class Server
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    public static async Task<int> RunAsync(string name, string[] options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenAnyIP(Ports.Http, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.ListenAnyIP(Ports.Grpc, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.AddServerHeader = false;
        });
        await using var app = builder.Build();
        var ledger = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        long latest = 0;
        app.UseWebSockets();
        app.Use((context, next) =>
        {
            if (context.Request.Headers.TryGetValue("x-request-id", out var id))
            {
                ledger.AddOrUpdate(id.ToString(), 1, (_, seen) => seen + 1);
                Volatile.Write(ref latest, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            }

            return next(context);
        });
        app.MapGet("/hello", () => $"hello from {name}\n");
        app.MapGet("/whoami", (HttpContext context) => $"{context.Request.Headers["meshlite-client-id"]} {context.Connection.RemoteIpAddress}\n");
        app.MapGet("/metrics", () => $"# HELP pod_app_requests_total Requests with an id.\n# TYPE pod_app_requests_total counter\npod_app_requests_total {ledger.Values.Sum()}\n");
        app.MapPost("/echo", async (HttpContext context) => await context.Request.Body.CopyToAsync(context.Response.Body));
        app.MapGet("/ledger", (string prefix) => ledger.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary());
        app.MapGet("/latest", () => Volatile.Read(ref latest)); // when the newest request with an id came: Unix time, ms
        app.Map("/ws", WebSocketEcho.ServeAsync);
        var grpc = GrpcEcho.Create();
        app.MapFallback(grpc.HandleAsync);

        using var tcp = new TcpServers(name);
        await app.StartAsync();
        tcp.Start();
        Console.WriteLine("""{"event":"ready"}""");

        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.TrySetResult();
        });
        await stop.Task;
        if (!options.Contains("--exit-at-once"))
        {
            await Task.Delay(Grace, TimeProvider.System);
        }

        await app.StopAsync();
        if (options.SkipWhile(option => option != "--ledger").Skip(1).FirstOrDefault() is { } file)
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(ledger));
        }

        return 0;
    }
}
