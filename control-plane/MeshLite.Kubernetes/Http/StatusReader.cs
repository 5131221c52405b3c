using System.Net;
using System.Text;
using System.Text.Json;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Http;

/// <summary>Turns a refusal of the server into a <see cref="KubernetesException"/>. Pure.</summary>
internal static class StatusReader
{
    private const int MaxText = 300;

    /// <summary>Of a response; its body is a Status, or a proxy's text.</summary>
    public static KubernetesException ToException(ApiCall call, HttpResponseMessage response, byte[] body) =>
        ToException(call, response.StatusCode, TryParse(body) ?? new Status { Message = Text(body) }, response.Headers.RetryAfter?.Delta);

    /// <summary>Of the ERROR event of a watch.</summary>
    public static KubernetesException ToException(ApiCall call, HttpStatusCode code, Status status, TimeSpan? retryAfter = null)
    {
        var sentence = string.IsNullOrWhiteSpace(status.Message) ? code.ToString() : status.Message;
        return new KubernetesException(code, ReasonOf(status.Reason, code), $"cannot {call}: {sentence} ({(int)code})")
        {
            RetryAfter = retryAfter ?? (status.Details?.RetryAfterSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : null),
            Causes = status.Details?.Causes is { } causes ? [.. causes.Where(cause => cause is not null)] : [],
        };
    }

    private static KubernetesReason ReasonOf(string? reason, HttpStatusCode code) => reason switch
    {
        "BadRequest" => KubernetesReason.BadRequest,
        "Unauthorized" => KubernetesReason.Unauthorized,
        "Forbidden" => KubernetesReason.Forbidden,
        "NotFound" => KubernetesReason.NotFound,
        "AlreadyExists" => KubernetesReason.AlreadyExists,
        "Conflict" => KubernetesReason.Conflict,
        "Gone" or "Expired" => KubernetesReason.Expired,
        "Invalid" => KubernetesReason.Invalid,
        "TooManyRequests" => KubernetesReason.TooManyRequests,
        "InternalError" or "ServiceUnavailable" => KubernetesReason.ServerError,
        "Timeout" or "ServerTimeout" => KubernetesReason.Timeout,
        _ => code switch
        {
            HttpStatusCode.BadRequest => KubernetesReason.BadRequest,
            HttpStatusCode.Unauthorized => KubernetesReason.Unauthorized,
            HttpStatusCode.Forbidden => KubernetesReason.Forbidden,
            HttpStatusCode.NotFound => KubernetesReason.NotFound,
            HttpStatusCode.Conflict => KubernetesReason.Conflict,
            HttpStatusCode.Gone => KubernetesReason.Expired,
            HttpStatusCode.UnprocessableEntity => KubernetesReason.Invalid,
            HttpStatusCode.TooManyRequests => KubernetesReason.TooManyRequests,
            HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable => KubernetesReason.ServerError,
            HttpStatusCode.GatewayTimeout or HttpStatusCode.RequestTimeout => KubernetesReason.Timeout,
            _ => KubernetesReason.Other,
        },
    };

    private static Status? TryParse(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, KubernetesJson.Default.Status);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Text(byte[] body)
    {
        var text = Encoding.UTF8.GetString(body).Trim();
        return text.Length <= MaxText ? text : text[..MaxText] + "…";
    }
}
