using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>The record as JSON, in a file or a key of the Secret. Pure.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, RespectNullableAnnotations = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuthorityRecord))]
internal sealed partial class AuthorityJson : JsonSerializerContext
{
    /// <summary>To text.</summary>
    public static string Write(AuthorityRecord record) => JsonSerializer.Serialize(record, Default.AuthorityRecord);

    /// <summary>From text; throws <see cref="AuthorityStoreException"/>, which does not show it.</summary>
    public static AuthorityRecord Read(string text, string origin)
    {
        try
        {
            return JsonSerializer.Deserialize(text, Default.AuthorityRecord) ?? throw new AuthorityStoreException($"{origin} holds no record");
        }
        catch (JsonException problem)
        {
            throw new AuthorityStoreException($"{origin} holds no record: line {problem.LineNumber}, {problem.Path}");
        }
    }
}
