using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.ControlPlane.Injection;

/// <summary>What the API server is told. Immutable.</summary>
/// <param name="Result">Of how it ended, for the metric.</param>
/// <param name="Message">Null: allowed; else why not, in a sentence that kubectl shows.</param>
internal sealed record AdmissionAnswer(string Result, string? Message)
{
    /// <summary>HTTP status of a refusal. <value>403.</value></summary>
    public int Code { get; init; } = 403;

    /// <summary>What is to be changed; null: nothing.</summary>
    public JsonArray? Patch { get; init; }

    /// <summary>What kubectl shows beside.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Yes, unchanged.</summary>
    public static AdmissionAnswer Allowed(string result) => new(result, null);

    /// <summary>The webhook itself failed.</summary>
    public static AdmissionAnswer Failed(string why) => new("error", why) { Code = 500 };

    /// <summary>As an AdmissionReview.</summary>
    public byte[] ToReview(string uid)
    {
        var response = new JsonObject { ["uid"] = uid, ["allowed"] = Message is null };
        if (Message is not null)
        {
            response["status"] = new JsonObject { ["code"] = Code, ["message"] = Message };
        }

        if (Patch is { Count: > 0 })
        {
            response["patchType"] = "JSONPatch";
            response["patch"] = Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(Patch));
        }

        if (Warnings.Count > 0)
        {
            response["warnings"] = new JsonArray([.. Warnings.Select(warning => (JsonNode)warning)]);
        }

        return JsonSerializer.SerializeToUtf8Bytes<JsonNode>(new JsonObject { ["apiVersion"] = "admission.k8s.io/v1", ["kind"] = "AdmissionReview", ["response"] = response });
    }
}
