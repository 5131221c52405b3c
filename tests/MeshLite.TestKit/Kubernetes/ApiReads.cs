using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Get and list.</summary>
internal sealed class ApiReads(ApiStore store)
{
    public JsonObject Get(ApiRequest request) =>
        store.Locked(() => store.Find_NeedsLock(request.Kind.Type, request.Key))?.Json ?? throw ApiError.NotFound(request.Kind, request.Name!);

    /// <summary>A list, or a page of it. All pages are of the version of the first, as long as that is remembered.</summary>
    public JsonObject List(ApiRequest request)
    {
        var selector = new Selector(request.Kind, request.Namespace, request["labelSelector"], request["fieldSelector"]);
        var limit = request["limit"] is { } text ? int.Parse(text) : 0;
        var from = request["continue"] is { } token ? Continuation.Parse(token) : null;
        var (version, all) = store.Locked(() =>
        {
            var at = from?.Version ?? store.Version;
            if (at < store.Compacted)
            {
                throw ApiError.Expired("The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.");
            }

            return (at, store.At_NeedsLock(request.Kind.Type, at));
        });

        var matching = all.Where(selector.Matches).Where(o => from is null || string.CompareOrdinal(PathOf(o), from.After) > 0).ToList();
        var page = limit > 0 ? matching.Take(limit).ToList() : matching;
        var metadata = new JsonObject { ["resourceVersion"] = version.ToString() };
        if (page.Count < matching.Count)
        {
            metadata["continue"] = new Continuation(version, PathOf(page[^1])).ToString();
            metadata["remainingItemCount"] = matching.Count - page.Count;
        }

        return new JsonObject
        {
            ["kind"] = request.Kind.Type.Kind + "List",
            ["apiVersion"] = request.Kind.Type.ApiVersion,
            ["metadata"] = metadata,
            ["items"] = new JsonArray([.. page.Select(o => (JsonNode)InList(request.Kind, o))]),
        };
    }

    /// <summary>Items of built-in kinds do not say what they are.</summary>
    private static JsonObject InList(ApiKind kind, JsonObject json)
    {
        var copy = json.DeepClone().AsObject();
        if (!kind.IsCustom)
        {
            copy.Remove("apiVersion");
            copy.Remove("kind");
        }

        return copy;
    }

    private static string PathOf(JsonObject json) => $"{(string?)json["metadata"]!["namespace"]}/{(string)json["metadata"]!["name"]!}";

    private sealed record Continuation(long Version, string After)
    {
        public static Continuation Parse(string token)
        {
            try
            {
                return JsonSerializer.Deserialize<Continuation>(Base64Url.DecodeFromChars(token))!;
            }
            catch (Exception error) when (error is FormatException or JsonException)
            {
                throw ApiError.BadRequest("continue key is not valid");
            }
        }

        public override string ToString() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(this)));
    }
}
