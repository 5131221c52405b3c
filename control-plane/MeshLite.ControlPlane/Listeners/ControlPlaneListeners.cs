using MeshLite.ControlPlane.Identity;
using MeshLite.Hosting;
using MeshLite.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Listeners;

/// <summary>
/// The ports as Kestrel is to have them: who is let in, how long without a certificate, and what becomes of those that wear it out. Made by
/// <see cref="ControlPlaneHost"/> before Kestrel starts.
/// </summary>
internal sealed class ControlPlaneListeners
{
    private readonly IdentityModule _identity;
    private readonly PortGate _grpc;
    private readonly PortGate _webhook;
    private readonly PortGate _telemetry;

    /// <summary>Makes the gates; what Kestrel refuses by itself is counted with what they refuse.</summary>
    public ControlPlaneListeners(
        ControlPlanePorts limits, IdentityModule identity, ControlPlaneMetrics metrics, KestrelRefusals kestrel, MetricRegistry registry, TimeProvider time, ILogger<ControlPlaneListeners> logger)
    {
        var refusals = new PortRefusals(metrics, logger);
        kestrel.Heard = refusals.Refused;
        _identity = identity;
        _grpc = new PortGate("grpc", limits.Grpc, refusals, time);
        _webhook = new PortGate("webhook", limits.Webhook, refusals, time);
        _telemetry = new PortGate("telemetry", limits.Telemetry, refusals, time);
        registry.AddGaugeCallback("meshlite_connections", "Connections open, by listener; tls says whether the caller has shown a certificate of the mesh.", ["listener", "tls"], samples =>
        {
            samples.Add(_grpc.Proven, "grpc", "true");
            samples.Add(_grpc.Unproven, "grpc", "false");
            samples.Add(_webhook.Unproven, "webhook", "false");
            samples.Add(_telemetry.Unproven, "telemetry", "false");
        });
    }

    /// <summary>Limits of all ports.</summary>
    public static void Configure(KestrelServerLimits limits)
    {
        limits.MaxRequestHeadersTotalSize = 32 * 1024; // a token has up to 16
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        limits.Http2.MaxStreamsPerConnection = 100; // a sidecar has one, an API server as many as it asks at once
    }

    /// <summary>15012.</summary>
    public void ConfigureGrpc(ListenOptions listen)
    {
        var handshakes = new GrpcHandshakes(_grpc, _identity.RefusedHandshakes);
        listen.Use(_grpc.Enter);
        listen.Use(handshakes.Count);
        _identity.ConfigureHttps(listen);
        listen.Use(GrpcHandshakes.Done);
    }

    /// <summary>15017.</summary>
    public void ConfigureWebhook(ListenOptions listen)
    {
        listen.Use(_webhook.Enter);
        _identity.ConfigureServerHttps(listen);
    }

    /// <summary>15014.</summary>
    public void ConfigureTelemetry(ListenOptions listen) => listen.Use(_telemetry.Enter);

    /// <summary>Serves a request, and looks at how it ended.</summary>
    public static async Task ServeAsync(HttpContext context, RequestDelegate serve)
    {
        try
        {
            await serve(context);
        }
        finally
        {
            if (HttpProtocol.IsHttp2(context.Request.Protocol))
            {
                context.Features.Get<GatedConnection>()?.RequestEnded(context);
            }
        }
    }
}
