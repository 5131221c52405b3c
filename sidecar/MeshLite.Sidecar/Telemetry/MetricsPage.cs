using MeshLite.Metrics;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>Answers <c>/metrics</c> in the format asked for.</summary>
internal static class MetricsPage
{
    /// <summary>Writes all series.</summary>
    public static async Task WriteAsync(HttpContext context, MetricRegistry metrics)
    {
        var format = ExpositionFormats.Negotiate(context.Request.Headers.Accept);
        context.Response.ContentType = format.ContentType();
        await metrics.WriteAsync(context.Response.BodyWriter, format, context.RequestAborted);
    }
}
