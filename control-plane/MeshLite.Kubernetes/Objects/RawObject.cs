using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MeshLite.Kubernetes.Objects;

/// <summary>An object of any kind as the JSON it came in, whole: for kinds that somebody else reads, or of which no field may be lost.</summary>
/// <param name="Json">The object. Owns its memory, and may be kept.</param>
/// <param name="Metadata">Its metadata, read.</param>
public sealed record RawObject(JsonElement Json, ObjectMeta Metadata) : IKubernetesObject
{
    internal static readonly JsonTypeInfo<RawObject> JsonInfo = JsonMetadataServices.CreateValueInfo<RawObject>(KubernetesJson.Default.Options, new Converter());

    /// <summary>Reads an object from JSON; throws <see cref="JsonException"/> where it has no metadata.</summary>
    public static RawObject Parse(string json) => Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>Reads an object from UTF-8 JSON; throws <see cref="JsonException"/> where it has no metadata.</summary>
    public static RawObject Parse(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        return Of(JsonElement.ParseValue(ref reader));
    }

    /// <summary>Takes an element that owns its memory (see <see cref="JsonElement.Clone"/>).</summary>
    public static RawObject Of(JsonElement json) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty("metadata"u8, out var metadata)
            ? new RawObject(json, metadata.Deserialize(KubernetesJson.Default.ObjectMeta) ?? throw new JsonException("metadata is null"))
            : throw new JsonException("not a Kubernetes object: no metadata");

    private sealed class Converter : JsonConverter<RawObject>
    {
        public override RawObject Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Of(JsonElement.ParseValue(ref reader));

        public override void Write(Utf8JsonWriter writer, RawObject value, JsonSerializerOptions options) => value.Json.WriteTo(writer);
    }
}
