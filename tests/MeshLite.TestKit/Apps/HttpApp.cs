using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshLite.TestKit.Apps;

/// <summary>
/// An application behind a sidecar: Kestrel on a free port of loopback, in the test's process. Keeps what it received;
/// answers 200 with its name in <c>x-app</c> and the request's body, unless given a handler. Thread-safe.
/// </summary>
public sealed class HttpApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedRequest> _received = new();
    private volatile bool _healthy = true;

    private HttpApp(string name, WebApplication app)
    {
        Name = name;
        _app = app;
    }

    /// <summary>The value of <c>x-app</c>.</summary>
    public string Name { get; }

    /// <summary>Where it listens on loopback.</summary>
    public int Port { get; private set; }

    /// <summary>What <c>/healthz</c> answers: 200 or 503. Those requests are not kept.</summary>
    public bool Healthy
    {
        get => _healthy;
        set => _healthy = value;
    }

    /// <summary>What the default handler received so far.</summary>
    public IReadOnlyCollection<ReceivedRequest> Received => _received;

    /// <summary>
    /// Starts one. <paramref name="protocols"/>: without TLS a port speaks HTTP/1.1 or HTTP/2 (h2c), not both. <paramref name="address"/>: instead of a free
    /// port of loopback.
    /// </summary>
    public static async Task<HttpApp> StartAsync(
        string name, RequestDelegate? handler = null, HttpProtocols protocols = HttpProtocols.Http1, Action<KestrelServerOptions>? configure = null, IPEndPoint? address = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            configure?.Invoke(kestrel); // before, so that it can set defaults of endpoints, TLS for one
            kestrel.Listen(address ?? new IPEndPoint(IPAddress.Loopback, 0), listen => listen.Protocols = protocols);
        });
        var web = builder.Build();
        web.UseWebSockets();
        var app = new HttpApp(name, web);
        web.Run(context => context.Request.Path == "/healthz" ? app.AnswerHealth(context) : (handler ?? app.AnswerAsync)(context));
        await web.StartAsync();
        app.Port = new Uri(web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        return app;
    }

    /// <summary>What it does without a handler; a handler may end with it.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        _received.Enqueue(new ReceivedRequest(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Protocol,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body.ToArray()));
        context.Response.Headers["x-app"] = Name;
        await context.Response.Body.WriteAsync(body.ToArray(), context.RequestAborted);
    }

    /// <summary>Stops it at once, as a crash would.</summary>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private Task AnswerHealth(HttpContext context)
    {
        context.Response.StatusCode = _healthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }
}
