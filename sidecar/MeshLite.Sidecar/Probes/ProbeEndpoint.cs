using System.Collections.Frozen;

namespace MeshLite.Sidecar.Probes;

/// <summary>Answers <c>GET /probe/CONTAINER/KIND</c> of the telemetry listener. Only what the pod's specification lists can be asked for. Thread-safe.</summary>
internal sealed class ProbeEndpoint(FrozenDictionary<string, ApplicationProbe> probes, Prober prober)
{
    /// <summary>What its paths begin with.</summary>
    public const string Prefix = "/probe/";

    /// <summary>Whether a request is for it.</summary>
    public static bool Serves(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.Path.Value?.StartsWith(Prefix, StringComparison.Ordinal) == true;

    /// <summary>A <see cref="RequestDelegate"/>.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var answer = probes.TryGetValue(context.Request.Path.Value![Prefix.Length..], out var probe)
            ? await prober.AskAsync(probe, context.Request.Headers.UserAgent.ToString(), context.RequestAborted)
            : new ProbeAnswer(StatusCodes.Status404NotFound, "no such probe");
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(answer.Says + "\n", context.RequestAborted);
    }
}
