using Microsoft.AspNetCore.Http;

namespace MeshLite.Hosting;

/// <summary>
/// Answers <c>/metrics</c>, <c>/ready</c> and <c>/live</c> of a telemetry listener; anything else is 404. The program says how
/// metrics are written. Thread-safe; runs on request threads.
/// </summary>
public sealed class TelemetryEndpoint(Readiness readiness, RequestDelegate writeMetrics)
{
    /// <summary>A <see cref="RequestDelegate"/>.</summary>
    public Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return AnswerAsync(context, StatusCodes.Status405MethodNotAllowed, "only GET and HEAD");
        }

        return request.Path.Value switch
        {
            "/metrics" => writeMetrics(context),
            "/live" => AnswerAsync(context, StatusCodes.Status200OK, "live"),
            "/ready" when readiness.Reason is { } reason => AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, reason),
            "/ready" => AnswerAsync(context, StatusCodes.Status200OK, "ready"),
            _ => AnswerAsync(context, StatusCodes.Status404NotFound, "not here: /metrics, /ready, /live"),
        };
    }

    private static Task AnswerAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }
}
