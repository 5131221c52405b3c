using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// Server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/), over <see cref="FieldPaths"/>. What it does not do: schemas (which lists
/// are keyed is a short list of its own), ownership of containers that are not empty, <c>managedFields</c> in the object. Pure.
/// </summary>
internal static class ServerSideApply
{
    public static (JsonObject Json, FieldOwners Owners) Apply(StoredObject current, JsonObject applied, FieldManager manager, bool force)
    {
        var body = applied;
        if (manager.Subresource == "status")
        {
            body = new JsonObject { ["status"] = applied["status"]?.DeepClone() };
        }
        else if (applied["status"] is not null)
        {
            // Of a kind with a status subresource; the others have no field of that name.
            body = applied.DeepClone().AsObject();
            body.Remove("status");
        }

        var wanted = FieldPaths.Leaves(body);
        var live = FieldPaths.Leaves(current.Json);

        // Step 1: fields of others that would change.
        var contested = wanted
            .Where(w => !(live.TryGetValue(w.Key, out var value) && JsonNode.DeepEquals(value, w.Value)))
            .SelectMany(w => current.Owners.OthersOf(manager, w.Key).Select(owner => (Path: w.Key, Owner: owner)))
            .ToList();
        if (contested.Count > 0 && !force)
        {
            throw Conflict(contested);
        }

        // Step 2: what the manager had and no longer names goes, unless another has it too.
        var dropped = current.Owners.Of(manager).Where(p => !wanted.ContainsKey(p) && !current.Owners.OthersOf(manager, p).Any()).ToHashSet(StringComparer.Ordinal);
        var result = current.Json.DeepClone().AsObject();
        FieldPaths.Remove(result, dropped);

        // Step 3: what it names is laid over the rest, and is its own.
        FieldPaths.MergeInto(result, Named(body));
        var owners = contested.Aggregate(current.Owners.Fields, (fields, c) => fields.SetItem(c.Owner, fields[c.Owner].Remove(c.Path)));
        return (result, new FieldOwners(owners.SetItem(manager, [.. wanted.Keys])));
    }

    private static JsonObject Named(JsonObject applied)
    {
        var copy = applied.DeepClone().AsObject();
        (copy["metadata"] as JsonObject)?.Remove("resourceVersion");
        (copy["metadata"] as JsonObject)?.Remove("managedFields");
        return copy;
    }

    private static ApiError Conflict(List<(string Path, FieldManager Owner)> contested) => new(
        HttpStatusCode.Conflict,
        "Conflict",
        $"Apply failed with {contested.Count} conflict(s): {string.Join("; ", contested.Select(c => $"conflict with \"{c.Owner.Name}\": .{c.Path}"))}")
    {
        Causes = [.. contested.Select(c => ("." + c.Path, $"conflict with \"{c.Owner.Name}\""))],
    };
}
