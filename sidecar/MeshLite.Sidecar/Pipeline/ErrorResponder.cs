using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// Writes every response the mesh itself makes, in what the caller speaks: gRPC (trailers-only), JSON where it
/// accepts JSON, else text. Nothing else sets an error status. Stateless.
/// </summary>
internal static class ErrorResponder
{
    /// <summary>
    /// Answers with <paramref name="error"/>; where the response has begun, the stream is reset instead, so that
    /// the caller can't take half an answer for a whole one.
    /// </summary>
    public static Task RespondAsync(HttpContext context, ProxyError error, bool toSidecar)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        var reason = ErrorReasons.Label(error.Reason);
        response.Clear();
        response.Headers[MeshHeaders.Error] = reason;
        if (error.Undelivered && toSidecar)
        {
            response.Headers[MeshHeaders.Undelivered] = "1";
        }

        if (RequestState.Of(context) is { BudgetSpent: true })
        {
            response.Headers[MeshHeaders.RetryBudget] = "spent";
        }

        if (RetryAfter(error) is { } wait)
        {
            // RFC 9110 §10.2.3: whole seconds, so that nobody comes too early.
            response.Headers.RetryAfter = ((long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        if (IsGrpc(context.Request))
        {
            return RespondGrpcAsync(response, error);
        }

        response.StatusCode = error.HttpStatus;
        var json = AcceptsJson(context.Request);
        var body = json
            ? $$"""{"error":"{{reason}}","message":"{{JsonEncodedText.Encode(error.Detail)}}"}""" + "\n"
            : $"{reason}: {error.Detail}\n";
        response.ContentType = json ? "application/json" : "text/plain; charset=utf-8";
        var bytes = Encoding.UTF8.GetBytes(body);
        response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.BodyWriter.WriteAsync(bytes).AsTask();
    }

    /// <summary>Whether a request is a gRPC call, by its content type.</summary>
    public static bool IsGrpc(HttpRequest request) =>
        request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    // gRPC over HTTP/2, "Trailers-Only": status 200, everything in one HEADERS frame that ends the stream.
    private static Task RespondGrpcAsync(HttpResponse response, ProxyError error)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = error.GrpcStatus.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString($"{ErrorReasons.Label(error.Reason)}: {error.Detail}").Replace("%20", " ", StringComparison.Ordinal);
        return response.CompleteAsync();
    }

    private static TimeSpan? RetryAfter(ProxyError error) =>
        error.RetryAfter ?? (error.HttpStatus == StatusCodes.Status503ServiceUnavailable && error.Status is null ? TimeSpan.FromSeconds(1) : null);

    private static bool AcceptsJson(HttpRequest request)
    {
        foreach (var value in request.Headers.Accept)
        {
            if (value is not null && value.Contains("application/json", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
