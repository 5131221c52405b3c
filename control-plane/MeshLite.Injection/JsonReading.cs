using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>Reads JSON as Kubernetes writes it: what is missing and what is null is the same. Pure.</summary>
internal static class JsonReading
{
    /// <summary>An object's field that is an object; null: missing, or something else.</summary>
    public static JsonObject? Object(this JsonObject? json, string name) => json?[name] as JsonObject;

    /// <summary>The objects in a list.</summary>
    public static IEnumerable<JsonObject> Objects(this JsonObject? json, string name) => (json?[name] as JsonArray)?.OfType<JsonObject>() ?? [];

    /// <summary>A field that is a text.</summary>
    public static string? Text(this JsonObject? json, string name) =>
        json?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    /// <summary>A field that is true.</summary>
    public static bool IsTrue(this JsonObject? json, string name) => json?[name]?.GetValueKind() == JsonValueKind.True;

    /// <summary>A field that is a whole number.</summary>
    public static long? Number(this JsonObject? json, string name) =>
        json?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && long.TryParse(value.ToJsonString(), out var number) ? number : null;

    /// <summary>A map of texts, as labels and annotations are.</summary>
    public static Dictionary<string, string> Texts(this JsonObject? json, string name) =>
        json.Object(name)?.Where(field => field.Value?.GetValueKind() == JsonValueKind.String)
            .ToDictionary(field => field.Key, field => field.Value!.GetValue<string>(), StringComparer.Ordinal) ?? [];

    /// <summary>A field that is an object, made where it is missing.</summary>
    public static JsonObject Made(this JsonObject json, string name)
    {
        if (json[name] is not JsonObject made)
        {
            json[name] = made = [];
        }

        return made;
    }

    /// <summary>A field that is a list, made where it is missing.</summary>
    public static JsonArray MadeList(this JsonObject json, string name)
    {
        if (json[name] is not JsonArray made)
        {
            json[name] = made = [];
        }

        return made;
    }
}
