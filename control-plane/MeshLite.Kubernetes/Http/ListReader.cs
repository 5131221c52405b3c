using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Http;

/// <summary>Reads a list without a type for each kind's list: the objects one by one, the list's metadata by hand. Pure.</summary>
internal static class ListReader
{
    public static ObjectPage<T> Read<T>(byte[] json, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return Parse(json, type);
        }
        catch (InvalidOperationException error)
        {
            // What the reader says of a version that is no text, and of text that is no Unicode.
            throw new JsonException($"not a list: {error.Message}", error);
        }
    }

    private static ObjectPage<T> Parse<T>(byte[] json, JsonTypeInfo<T> type)
        where T : class
    {
        var reader = new Utf8JsonReader(json);
        var items = new List<T>();
        string? version = null, more = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                ReadItems(ref reader, type, items);
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                Expect(ref reader, JsonTokenType.StartObject);
                ReadMetadata(ref reader, ref version, ref more);
            }
            else
            {
                reader.Skip();
            }
        }

        return new ObjectPage<T>(items, version ?? throw new JsonException("a list without resourceVersion"), string.IsNullOrEmpty(more) ? null : more);
    }

    private static void ReadItems<T>(ref Utf8JsonReader reader, JsonTypeInfo<T> type, List<T> items)
    {
        // Go writes null for an empty slice.
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var item = JsonSerializer.Deserialize(ref reader, type) ?? throw new JsonException("null in a list");
            items.Add(item is not IKubernetesObject { Metadata: null } ? item : throw new JsonException("an object without metadata in a list"));
        }
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, ref string? version, ref string? more)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("resourceVersion"u8))
            {
                reader.Read();
                version = reader.GetString();
            }
            else if (reader.ValueTextEquals("continue"u8))
            {
                reader.Read();
                more = reader.GetString();
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType token)
    {
        if (!reader.Read() || reader.TokenType != token)
        {
            throw new JsonException($"not a list: expected {token}");
        }
    }
}
