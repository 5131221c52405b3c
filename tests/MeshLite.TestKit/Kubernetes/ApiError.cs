using System.Net;
using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>A refusal, as the server words it (meta/v1 Status).</summary>
internal sealed class ApiError(HttpStatusCode code, string reason, string message) : Exception(message)
{
    public HttpStatusCode Code => code;

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Field and sentence.</summary>
    public IReadOnlyList<(string Field, string Message)> Causes { get; init; } = [];

    public static ApiError NotFound(ApiKind kind, string name) => new(HttpStatusCode.NotFound, "NotFound", $"{kind.Type} \"{name}\" not found");

    public static ApiError UnknownPath() => new(HttpStatusCode.NotFound, "NotFound", "the server could not find the requested resource");

    public static ApiError Exists(ApiKind kind, string name) => new(HttpStatusCode.Conflict, "AlreadyExists", $"{kind.Type} \"{name}\" already exists");

    public static ApiError Conflict(ApiKind kind, string name) => new(
        HttpStatusCode.Conflict,
        "Conflict",
        $"Operation cannot be fulfilled on {kind.Type} \"{name}\": the object has been modified; please apply your changes to the latest version and try again");

    public static ApiError BadRequest(string message) => new(HttpStatusCode.BadRequest, "BadRequest", message);

    public static ApiError Expired(string message) => new(HttpStatusCode.Gone, "Expired", message);

    public static ApiError Invalid(ApiKind kind, string name, string field, string message) => new(
        HttpStatusCode.UnprocessableEntity, "Invalid", $"{kind.Type.Kind}{(kind.Type.Group.Length > 0 ? "." + kind.Type.Group : "")} \"{name}\" is invalid: {field}: {message}")
    {
        Causes = [(field, message)],
    };

    public JsonObject ToStatus()
    {
        var details = new JsonObject();
        if (RetryAfter is { } wait)
        {
            details["retryAfterSeconds"] = (int)Math.Ceiling(wait.TotalSeconds);
        }

        if (Causes.Count > 0)
        {
            details["causes"] = new JsonArray([.. Causes.Select(c => (JsonNode)new JsonObject { ["reason"] = "FieldValueInvalid", ["message"] = c.Message, ["field"] = c.Field })]);
        }

        return new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
            ["reason"] = reason,
            ["details"] = details,
            ["code"] = (int)code,
        };
    }
}
