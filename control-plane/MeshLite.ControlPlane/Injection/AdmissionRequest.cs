using System.Text.Json;

namespace MeshLite.ControlPlane.Injection;

/// <summary>
/// What the API server asks (<c>admission.k8s.io/v1</c>, https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/).
/// Lives as long as the document it was read from.
/// </summary>
internal sealed record AdmissionRequest
{
    /// <summary>Names the question; the answer repeats it.</summary>
    public required string Uid { get; init; }

    /// <summary><c>CREATE</c>, <c>UPDATE</c>, <c>DELETE</c>, <c>CONNECT</c>.</summary>
    public required string Operation { get; init; }

    /// <summary>Group of the object's kind; empty for the core's.</summary>
    public required string Group { get; init; }

    /// <summary>The object's kind.</summary>
    public required string Kind { get; init; }

    /// <summary>Namespace of the object, which need not name it itself.</summary>
    public required string Namespace { get; init; }

    /// <summary>A subresource (<c>status</c>); null: the object itself.</summary>
    public string? SubResource { get; init; }

    /// <summary>The object as it would be; undefined where it is deleted.</summary>
    public JsonElement Object { get; init; }

    /// <summary>The object as it is; undefined where it is new.</summary>
    public JsonElement OldObject { get; init; }

    /// <summary>Reads an AdmissionReview; null, and why, for anything else.</summary>
    public static AdmissionRequest? Read(JsonElement review, out string? problem)
    {
        try
        {
            return Parse(review, out problem);
        }
        catch (InvalidOperationException)
        {
            problem = "an AdmissionReview with text that is no Unicode";
            return null;
        }
    }

    private static AdmissionRequest? Parse(JsonElement review, out string? problem)
    {
        problem = null;
        if (Text(review, "apiVersion") != "admission.k8s.io/v1" || Text(review, "kind") != "AdmissionReview")
        {
            problem = "not an AdmissionReview of admission.k8s.io/v1";
            return null;
        }

        if (!review.TryGetProperty("request", out var request) || Text(request, "uid") is not { Length: > 0 } uid)
        {
            problem = "an AdmissionReview without request.uid";
            return null;
        }

        var kind = Field(request, "kind");
        return new AdmissionRequest
        {
            Uid = uid,
            Operation = Text(request, "operation") ?? "",
            Group = Text(kind, "group") ?? "",
            Kind = Text(kind, "kind") ?? "",
            Namespace = Text(request, "namespace") ?? "",
            SubResource = Text(request, "subResource") is { Length: > 0 } sub ? sub : null,
            Object = Field(request, "object"),
            OldObject = Field(request, "oldObject"),
        };
    }

    internal static JsonElement Field(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
