using System.Collections.Concurrent;
using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// One mesh for all tests of a class: a caller's sidecar and three replicas, each an application with its sidecar. A test
/// makes a service of its own over them (<see cref="Service"/>), with its own policy, state and behaviour, so tests do not meet.
/// </summary>
public sealed class ReplicaMesh : IAsyncLifetime
{
    private const int Count = 3;

    private readonly ConcurrentDictionary<string, TestService> _services = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<HttpApp> _apps = [];
    private readonly SemaphoreSlim _starting = new(1);
    private readonly Dictionary<HttpProtocols, SidecarComponents[]> _replicas = [];
    private int _made;

    internal MeshFixture Mesh { get; private set; } = null!;

    internal SidecarComponents Client { get; private set; } = null!;

    internal AccessLogCapture Log { get; } = new();

    internal HttpClient Http { get; private set; } = null!;

    internal HttpClient Http2 { get; private set; } = null!;

    internal HttpClient Admin { get; } = new();

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Mesh = await MeshFixture.StartAsync();
        Mesh.ControlPlane.AccessLog = AccessLogMode.All;
        Client = await Mesh.SidecarAsync(new TestSidecar("frontend") { AccessLog = Log });
        Http = MeshFixture.Client(Client);
        Http2 = MeshFixture.Client(Client, http2: true);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Http2.Dispose();
        Admin.Dispose();
        await Mesh.DisposeAsync();
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        _starting.Dispose();
    }

    /// <summary>A service nobody has called yet; unknown until it is published.</summary>
    internal TestService Service(string? host = null)
    {
        var service = new TestService(this, host ?? $"s{Interlocked.Increment(ref _made)}");
        _services[service.Name] = service;
        return service;
    }

    /// <summary>The replicas' sidecars, started when first asked for.</summary>
    internal async Task<SidecarComponents[]> ReplicasAsync(HttpProtocols protocols)
    {
        await _starting.WaitAsync();
        try
        {
            if (!_replicas.TryGetValue(protocols, out var replicas))
            {
                _replicas[protocols] = replicas = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => StartAsync(i, protocols)));
            }

            return replicas;
        }
        finally
        {
            _starting.Release();
        }
    }

    private async Task<SidecarComponents> StartAsync(int index, HttpProtocols protocols)
    {
        var app = await HttpApp.StartAsync($"{index}", context => ServeAsync(index, context), protocols);
        lock (_apps)
        {
            _apps.Add(app);
        }

        return await Mesh.SidecarAsync("orders", app.Port);
    }

    private async Task ServeAsync(int replica, HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var arrival = new Arrival(
            replica, context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
        context.Response.Headers["x-replica"] = $"{replica}";
        await _services[context.Request.Host.Host].ServeAsync(arrival, context);
    }
}

/// <summary>A request as a replica got it.</summary>
internal sealed record Arrival(int Replica, string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body);
