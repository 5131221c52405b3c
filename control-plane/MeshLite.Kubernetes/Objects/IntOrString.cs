using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>Reads a field that may be a number or a text (Kubernetes IntOrString) as text.</summary>
internal sealed class IntOrString : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetInt64().ToString() : reader.GetString()!;

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        if (long.TryParse(value, out var number))
        {
            writer.WriteNumberValue(number);
        }
        else
        {
            writer.WriteStringValue(value);
        }
    }
}
