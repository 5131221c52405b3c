using System.Globalization;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>What a test puts into the store itself: no webhook, no validation, no conflict. Not in the name of any field manager.</summary>
internal sealed class DirectWrites(ApiStore store, ApiPipeline pipeline, TimeProvider time)
{
    public JsonObject Put(JsonObject document)
    {
        var json = document.DeepClone().AsObject();
        var kind = KindOf(json);
        var metadata = json["metadata"]!.AsObject();
        if (kind.Type.IsNamespaced)
        {
            metadata["namespace"] ??= "default";
        }

        var key = new ObjectKey((string?)metadata["namespace"], (string)metadata["name"]!);
        return store.Locked(() =>
        {
            if (key.Namespace is { } ns && store.Find_NeedsLock(ResourceTypes.Namespaces, new ObjectKey(null, ns)) is null)
            {
                Put(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = ns } });
            }

            var old = store.Find_NeedsLock(kind.Type, key);
            Complete(kind, metadata, json, old?.Json);
            return store.Set_NeedsLock(kind.Type, key, json, old?.Owners ?? FieldOwners.None).Json.DeepClone().AsObject();
        });
    }

    public bool Delete(ResourceType type, ObjectKey key)
    {
        var kind = pipeline.KindOf(type);
        return store.Locked(() =>
        {
            if (store.Find_NeedsLock(kind.Type, key) is null)
            {
                return false;
            }

            foreach (var (inner, innerKey) in kind.Type == ResourceTypes.Namespaces ? store.KeysIn_NeedsLock(key.Name) : [])
            {
                store.Set_NeedsLock(inner, innerKey, null, FieldOwners.None);
            }

            store.Set_NeedsLock(kind.Type, key, null, FieldOwners.None);
            return true;
        });
    }

    private void Complete(ApiKind kind, JsonObject metadata, JsonObject json, JsonObject? old)
    {
        metadata["uid"] = (string?)old?["metadata"]!["uid"] ?? (string?)metadata["uid"] ?? Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = (string?)old?["metadata"]!["creationTimestamp"] ?? (string?)metadata["creationTimestamp"]
            ?? time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        if (kind.IsCustom)
        {
            var before = (long?)old?["metadata"]!["generation"] ?? 0;
            metadata["generation"] = old is not null && JsonNode.DeepEquals(old["spec"], json["spec"]) ? before : before + 1;
        }
    }

    private ApiKind KindOf(JsonObject json) =>
        pipeline.Kinds.Values.FirstOrDefault(k => k.Type.ApiVersion == (string?)json["apiVersion"] && k.Type.Kind == (string?)json["kind"])
        ?? throw new ArgumentException($"this server has no kind {json["apiVersion"]}, {json["kind"]}: Define it", nameof(json));
}
