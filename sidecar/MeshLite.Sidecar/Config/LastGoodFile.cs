using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// The last good configuration on disk, <c>&lt;state-dir&gt;/config.json</c>: what a sidecar starts with when the
/// control plane is away. A file that can't be read is put aside as <c>config.json.bad</c>, never trusted: versions
/// tell whether a resource's body is whole, the field <c>names</c>, a hash, whether their names are. Used by one thread at a time.
/// </summary>
internal sealed class LastGoodFile(string stateDir, ILogger log)
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    /// <summary>The field with the hash of the resources' names.</summary>
    internal const string NamesField = "names";

    private readonly string _path = Path.Combine(stateDir, "config.json");

    /// <summary>Writes it whole or not at all.</summary>
    public void Save(ResourceCache cache)
    {
        try
        {
            var content = JsonNode.Parse(cache.ToJson())!.AsObject();
            content[NamesField] = HashOfNames(cache.ToUpdate());
            SecretFile.Replace(_path, content.ToJsonString());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ConfigLog.SaveFailed(log, _path, e.Message);
        }
    }

    /// <summary>Applies what an earlier process kept; returns the number of resources.</summary>
    public int Restore(ResourceCache cache)
    {
        if (!File.Exists(_path))
        {
            return 0;
        }

        try
        {
            var text = File.ReadAllText(_path);
            var update = Parser.Parse<Update>(text);
            using var content = JsonDocument.Parse(text);
            if (!content.RootElement.TryGetProperty(NamesField, out var names) || names.ValueKind != JsonValueKind.String || !names.ValueEquals(HashOfNames(update)))
            {
                throw new JsonException("names of resources are damaged");
            }

            foreach (var resource in update.Resources)
            {
                if (cache.Apply(resource) is { IsApplied: false } result)
                {
                    ConfigLog.RestoreRejected(log, resource.Key, result.Rejection ?? "only a difference");
                }
            }

            return cache.Snapshot.Count;
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException or JsonException or IOException or UnauthorizedAccessException)
        {
            ConfigLog.RestoreFailed(log, _path, e.Message);
            PutAside();
            return 0;
        }
    }

    /// <summary>What the field <c>names</c> must say.</summary>
    internal static string HashOfNames(Update update) => ContentHash.OfEncoded(Encoding.UTF8.GetBytes(string.Join('\n', update.Resources.Select(r => r.Key))));

    private void PutAside()
    {
        try
        {
            File.Move(_path, _path + ".bad", overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ConfigLog.SaveFailed(log, _path + ".bad", e.Message);
        }
    }
}
