using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Http;

/// <summary>Reads the lines of a watch: one JSON object each. A line that breaks off is a broken connection, not an event.</summary>
internal static class WatchReader
{
    /// <summary>Ends where the server ends the watch; throws <see cref="KubernetesException"/> for an ERROR event.</summary>
    public static async IAsyncEnumerable<WatchEvent<T>> ReadAsync<T>(
        ApiCall call, Stream body, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellation)
        where T : class, IKubernetesObject
    {
        var lines = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        try
        {
            while (true)
            {
                var read = await lines.ReadAsync(cancellation);
                var rest = read.Buffer;
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    var line = rest.Slice(0, end);
                    rest = rest.Slice(rest.GetPosition(1, end));
                    if (!line.IsEmpty)
                    {
                        yield return ReadLine(call, line, type);
                    }
                }

                lines.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted)
                {
                    if (!rest.IsEmpty)
                    {
                        throw new IOException("the watch broke off within a line");
                    }

                    yield break;
                }
            }
        }
        finally
        {
            await lines.CompleteAsync();
        }
    }

    private static WatchEvent<T> ReadLine<T>(ApiCall call, ReadOnlySequence<byte> line, JsonTypeInfo<T> type)
        where T : class, IKubernetesObject
    {
        try
        {
            return Parse(call, line, type);
        }
        catch (InvalidOperationException error)
        {
            // What the reader says of a type that is no text, and of text that is no Unicode.
            throw new JsonException($"not a watch event: {error.Message}", error);
        }
    }

    private static WatchEvent<T> Parse<T>(ApiCall call, ReadOnlySequence<byte> line, JsonTypeInfo<T> type)
        where T : class, IKubernetesObject
    {
        var reader = new Utf8JsonReader(line);
        string? kind = null;
        var found = reader;
        var isFound = false;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                kind = reader.GetString();
            }
            else if (reader.ValueTextEquals("object"u8))
            {
                reader.Read();
                if (kind is not null)
                {
                    return ToEvent(call, kind, ref reader, type);
                }

                found = reader;
                isFound = true;
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        if (kind is null || !isFound)
        {
            throw new JsonException("not a watch event: no type or no object");
        }

        return ToEvent(call, kind, ref found, type);
    }

    private static WatchEvent<T> ToEvent<T>(ApiCall call, string kind, ref Utf8JsonReader reader, JsonTypeInfo<T> type)
        where T : class, IKubernetesObject
    {
        switch (kind)
        {
            case "BOOKMARK":
                return new WatchEvent<T>(WatchEventType.Bookmark, null, VersionOf(RawObject.Of(JsonElement.ParseValue(ref reader))));
            case "ERROR":
                var status = JsonSerializer.Deserialize(ref reader, KubernetesJson.Default.Status) ?? new Status();
                throw StatusReader.ToException(call, status.Code == 0 ? HttpStatusCode.InternalServerError : (HttpStatusCode)status.Code, status);
            default:
                var changed = JsonSerializer.Deserialize(ref reader, type) ?? throw new JsonException("null in a watch");
                return new WatchEvent<T>(
                    kind switch
                    {
                        "ADDED" => WatchEventType.Added,
                        "MODIFIED" => WatchEventType.Modified,
                        "DELETED" => WatchEventType.Deleted,
                        _ => throw new JsonException($"unknown watch event '{kind}'"),
                    },
                    changed,
                    VersionOf(changed));
        }
    }

    private static string VersionOf(IKubernetesObject o) => o.Metadata?.ResourceVersion ?? throw new JsonException("a watch event without resourceVersion");
}
