using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MeshLite.Kubernetes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// Create, replace, the patches, delete. Each reads the object, makes what it would become, asks the webhooks outside the lock, and stores if nobody was faster;
/// else, where the request named no version, does it all again, as the server does.
/// </summary>
internal sealed partial class ApiWrites(ApiStore store, ApiAdmission admission, TimeProvider time)
{
    private const int MaxTries = 20;

    public Task<JsonObject> CreateAsync(ApiRequest request, JsonObject body) => CreateAsync(request, body, Updater(request));

    private async Task<JsonObject> CreateAsync(ApiRequest request, JsonObject body, FieldManager manager)
    {
        var kind = request.Kind;
        var created = body.DeepClone().AsObject();
        var metadata = MetadataOf(created, request);
        if (metadata["resourceVersion"] is not null)
        {
            throw ApiError.BadRequest("resourceVersion should not be set on objects to be created");
        }

        if (string.IsNullOrEmpty((string?)metadata["name"]) && (string?)metadata["generateName"] is { } prefix)
        {
            CheckPrefix(kind, prefix);
            metadata["name"] = prefix + Guid.NewGuid().ToString("N")[..5];
        }

        var name = CheckName(kind, metadata);
        if (kind.HasStatus)
        {
            created.Remove("status");
        }

        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = Seconds();
        metadata.Remove("managedFields");
        if (kind.IsCustom)
        {
            metadata["generation"] = 1L;
        }

        var admitted = await admission.AdmitAsync(request with { Name = name }, "CREATE", created, null);
        Validate(kind, name, admitted);
        return store.Locked(() =>
        {
            CheckNamespace_NeedsLock(request);
            var key = new ObjectKey(request.Namespace, name);
            return store.Find_NeedsLock(kind.Type, key) is not null
                ? throw ApiError.Exists(kind, name)
                : store.Set_NeedsLock(kind.Type, key, admitted, FieldOwners.None.AfterUpdate(manager, null, admitted)).Json;
        });
    }

    public async Task<JsonObject> ReplaceAsync(ApiRequest request, JsonObject body)
    {
        if (request.Kind.IsCreatedByReplace && !request.IsStatus && Find(request) is null)
        {
            var created = body.DeepClone().AsObject();
            (created["metadata"] as JsonObject)?.Remove("resourceVersion");
            return await CreateAsync(request, created);
        }

        var wanted = (string?)body["metadata"]?["resourceVersion"];
        if (string.IsNullOrEmpty(wanted) && !request.Kind.MayReplaceUnconditionally)
        {
            throw ApiError.Invalid(request.Kind, request.Name!, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update");
        }

        return await UpdateAsync(request, wanted, current => (body.DeepClone().AsObject(), current.Owners), isApply: false);
    }

    public Task<JsonObject> MergePatchAsync(ApiRequest request, JsonObject patch) =>
        UpdateAsync(request, (string?)patch["metadata"]?["resourceVersion"], current => (JsonPatches.Merge(current.Json, patch)!.AsObject(), current.Owners), isApply: false);

    public Task<JsonObject> JsonPatchAsync(ApiRequest request, JsonArray patch) =>
        UpdateAsync(request, null, current => (JsonPatches.Apply(current.Json, patch), current.Owners), isApply: false);

    /// <summary>Server-side apply.</summary>
    public async Task<(JsonObject Json, bool IsNew)> ApplyAsync(ApiRequest request, JsonObject applied)
    {
        if (request["fieldManager"] is null)
        {
            throw ApiError.BadRequest("fieldManager is required for apply patch");
        }

        if ((string?)applied["metadata"]?["name"] is { } name && name != request.Name)
        {
            throw ApiError.BadRequest($"the name of the object ({name}) does not match the name on the URL ({request.Name})");
        }

        var manager = new FieldManager(request.FieldManager, IsApply: true, request.Subresource);
        var force = request["force"] == "true";
        if (Find(request) is null && !request.IsStatus)
        {
            var created = applied.DeepClone().AsObject();
            MetadataOf(created, request)["name"] = request.Name;
            return (await CreateAsync(request, created, manager), true);
        }

        return (await UpdateAsync(request, (string?)applied["metadata"]?["resourceVersion"], current => ServerSideApply.Apply(current, applied, manager, force), isApply: true), false);
    }

    public async Task<JsonObject> DeleteAsync(ApiRequest request, JsonObject? options)
    {
        var current = Find(request) ?? throw ApiError.NotFound(request.Kind, request.Name!);
        await admission.AdmitAsync(request, "DELETE", null, current.Json);
        return store.Locked(() => Delete_NeedsLock(request, options));
    }

    /// <summary>Takes an object away, or marks it where finalizers or a grace period hold it.</summary>
    private JsonObject Delete_NeedsLock(ApiRequest request, JsonObject? options)
    {
        var type = request.Kind.Type;
        var current = store.Find_NeedsLock(type, request.Key) ?? throw ApiError.NotFound(request.Kind, request.Name!);
        var metadata = current.Json["metadata"]!;
        if (options?["preconditions"]?["resourceVersion"] is { } version && (string?)version != (string?)metadata["resourceVersion"])
        {
            throw ApiError.Conflict(request.Kind, request.Name!);
        }

        // The kubelet deletes the pod for good, with grace 0, when its containers are gone.
        var grace = (int?)options?["gracePeriodSeconds"] ?? (int?)current.Json["spec"]?["terminationGracePeriodSeconds"] ?? 30;
        var isHeld = metadata["finalizers"] is JsonArray { Count: > 0 }
            || (type == ResourceTypes.Pods && current.Json["spec"]?["nodeName"] is not null && grace > 0);
        if (!isHeld)
        {
            DeleteContents_NeedsLock(type, request.Name!);
            return store.Set_NeedsLock(type, request.Key, null, FieldOwners.None).Json;
        }

        if (metadata["deletionTimestamp"] is not null)
        {
            return current.Json;
        }

        var marked = current.Json.DeepClone().AsObject();
        marked["metadata"]!["deletionTimestamp"] = Seconds(type == ResourceTypes.Pods ? grace : 0);
        marked["metadata"]!["deletionGracePeriodSeconds"] = type == ResourceTypes.Pods ? grace : 0;
        return store.Set_NeedsLock(type, request.Key, marked, current.Owners).Json;
    }

    /// <summary>What is in a namespace goes with it, at once and past finalizers: there is no namespace controller.</summary>
    public void DeleteContents_NeedsLock(ResourceType type, string name)
    {
        if (type == ResourceTypes.Namespaces)
        {
            foreach (var (inner, key) in store.KeysIn_NeedsLock(name))
            {
                store.Set_NeedsLock(inner, key, null, FieldOwners.None);
            }
        }
    }

    private async Task<JsonObject> UpdateAsync(ApiRequest request, string? wanted, Func<StoredObject, (JsonObject Json, FieldOwners Owners)> change, bool isApply)
    {
        for (var i = 0; i < MaxTries; i++)
        {
            var current = Find(request) ?? throw ApiError.NotFound(request.Kind, request.Name!);
            if (!string.IsNullOrEmpty(wanted) && wanted != (string?)current.Json["metadata"]!["resourceVersion"])
            {
                throw ApiError.Conflict(request.Kind, request.Name!);
            }

            var (changed, owners) = change(current);
            var next = WithinBounds(request, current.Json, changed);
            next = await admission.AdmitAsync(request, "UPDATE", next, current.Json);
            next["metadata"]!["resourceVersion"] = (string?)current.Json["metadata"]!["resourceVersion"];
            Validate(request.Kind, request.Name!, next);
            if (!isApply)
            {
                owners = owners.AfterUpdate(Updater(request), current.Json, next);
            }

            if (TryStore(request, current, next, owners) is { } stored)
            {
                return stored;
            }
        }

        throw ApiError.Conflict(request.Kind, request.Name!);
    }

    private JsonObject? TryStore(ApiRequest request, StoredObject current, JsonObject next, FieldOwners owners) => store.Locked(() =>
    {
        var type = request.Kind.Type;
        if (!ReferenceEquals(store.Find_NeedsLock(type, request.Key), current))
        {
            return null;
        }

        var isFinished = next["metadata"]!["deletionTimestamp"] is not null && next["metadata"]!["finalizers"] is not JsonArray { Count: > 0 } && type != ResourceTypes.Pods;
        if (isFinished)
        {
            return store.Set_NeedsLock(type, request.Key, null, FieldOwners.None).Json;
        }

        // What changes nothing has no event and no new version.
        return JsonNode.DeepEquals(next, current.Json)
            ? store.Own_NeedsLock(type, request.Key, owners).Json
            : store.Set_NeedsLock(type, request.Key, next, owners).Json;
    });

    /// <summary>A write of the status changes nothing else, any other write not the status; and nobody changes what is the server's.</summary>
    private static JsonObject WithinBounds(ApiRequest request, JsonObject current, JsonObject changed)
    {
        var kind = request.Kind;
        var next = changed;
        if (request.IsStatus)
        {
            next = current.DeepClone().AsObject();
            next.Remove("status");
            if (changed["status"] is { } status)
            {
                next["status"] = status.DeepClone();
            }

            return next;
        }

        var metadata = MetadataOf(next, request);
        if ((string?)metadata["name"] is { } name && name != request.Name)
        {
            throw ApiError.BadRequest($"the name of the object ({name}) does not match the name on the URL ({request.Name})");
        }

        var old = current["metadata"]!.AsObject();
        if ((string?)metadata["uid"] is { } uid && uid != (string?)old["uid"])
        {
            throw ApiError.Conflict(kind, request.Name!);
        }

        metadata["name"] = request.Name;
        metadata.Remove("managedFields");
        foreach (var field in (string[])["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName", "resourceVersion"])
        {
            metadata.Remove(field);
            if (old[field] is { } value)
            {
                metadata[field] = value.DeepClone();
            }
        }

        if (kind.HasStatus)
        {
            next.Remove("status");
            if (current["status"] is { } status)
            {
                next["status"] = status.DeepClone();
            }
        }

        if (kind.IsCustom && !SameButMetadata(current, next))
        {
            metadata["generation"] = (long)old["generation"]! + 1;
        }

        return next;
    }

    private static bool SameButMetadata(JsonObject a, JsonObject b)
    {
        var (left, right) = (a.DeepClone().AsObject(), b.DeepClone().AsObject());
        left.Remove("metadata");
        right.Remove("metadata");
        return JsonNode.DeepEquals(left, right);
    }

    private static void Validate(ApiKind kind, string name, JsonObject json)
    {
        if (kind.Validate?.Invoke(json) is { } problem)
        {
            var colon = problem.IndexOf(": ", StringComparison.Ordinal);
            throw ApiError.Invalid(kind, name, colon > 0 ? problem[..colon] : "spec", colon > 0 ? problem[(colon + 2)..] : problem);
        }
    }

    private static JsonObject MetadataOf(JsonObject json, ApiRequest request)
    {
        if (json["metadata"] is not JsonObject metadata)
        {
            json["metadata"] = metadata = [];
        }

        var (type, said) = (request.Kind.Type, ((string?)json["apiVersion"], (string?)json["kind"]));
        if ((said.Item1 ?? type.ApiVersion) != type.ApiVersion || (said.Item2 ?? type.Kind) != type.Kind)
        {
            throw ApiError.BadRequest($"the API version and kind in the data ({said.Item1}, {said.Item2}) do not match the expected ({type.ApiVersion}, {type.Kind})");
        }

        if (request.Kind.IsCustom && (said.Item1 is null || said.Item2 is null))
        {
            throw ApiError.BadRequest("Object 'Kind' is missing");
        }

        if ((string?)metadata["namespace"] is { } ns && ns != request.Namespace)
        {
            throw ApiError.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }

        json["apiVersion"] = type.ApiVersion;
        json["kind"] = type.Kind;
        if (request.Namespace is not null)
        {
            metadata["namespace"] = request.Namespace;
        }

        return metadata;
    }

    private static string CheckName(ApiKind kind, JsonObject metadata)
    {
        var name = (string?)metadata["name"] ?? "";
        return name.Length is > 0 and <= 253 && NamePattern().IsMatch(name)
            ? name
            : throw ApiError.Invalid(kind, name, "metadata.name", name.Length == 0 ? "Required value: name or generateName is required" : $"Invalid value: \"{name}\"");
    }

    private static void CheckPrefix(ApiKind kind, string prefix)
    {
        if (!NamePattern().IsMatch(prefix.EndsWith('-') ? prefix[..^1] : prefix))
        {
            throw ApiError.Invalid(kind, prefix, "metadata.generateName", $"Invalid value: \"{prefix}\"");
        }
    }

    private void CheckNamespace_NeedsLock(ApiRequest request)
    {
        if (request.Namespace is { } ns && store.Find_NeedsLock(ResourceTypes.Namespaces, new ObjectKey(null, ns)) is null)
        {
            throw new ApiError(System.Net.HttpStatusCode.NotFound, "NotFound", $"namespaces \"{ns}\" not found");
        }
    }

    private StoredObject? Find(ApiRequest request) => store.Locked(() => store.Find_NeedsLock(request.Kind.Type, request.Key));

    private static FieldManager Updater(ApiRequest request) => new(request.FieldManager, IsApply: false, request.Subresource);

    private string Seconds(int later = 0) => time.GetUtcNow().AddSeconds(later).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    [GeneratedRegex("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NamePattern();
}
