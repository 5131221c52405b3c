using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>Kubernetes' <c>MicroTime</c>: RFC 3339 in UTC with exactly six digits of a second; other forms are refused by the server.</summary>
internal sealed class MicroTime : JsonConverter<DateTimeOffset?>
{
    public override DateTimeOffset? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? null : reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset? value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
}
