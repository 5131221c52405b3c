using MeshLite.Metrics;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>Answers <c>/metrics</c> in the format asked for: our series, then the application's, if there are any.</summary>
internal static class MetricsPage
{
    /// <summary>
    /// Writes all series. A family that the application has too (<c>process_cpu_seconds_total</c>, say) is the application's: of that name ours are
    /// left out. An application that has only plain text makes the whole page plain text.
    /// </summary>
    public static async Task WriteAsync(HttpContext context, MetricRegistry metrics, ApplicationMetrics? application)
    {
        var wanted = ExpositionFormats.Negotiate(context.Request.Headers.Accept);
        var page = application is null ? null : await application.FetchAsync(context.Request, wanted);
        var format = page?.Format ?? wanted;
        context.Response.ContentType = format.ContentType();
        await metrics.WriteAsync(context.Response.BodyWriter, format, page?.Names, page?.Body ?? default, context.RequestAborted);
    }
}
