using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Who owns which field of one object, as server-side apply keeps it in <c>managedFields</c> (which this server does not show). Immutable.</summary>
/// <param name="Fields">Paths of leaves, by manager.</param>
internal sealed record FieldOwners(ImmutableDictionary<FieldManager, ImmutableHashSet<string>> Fields)
{
    public static readonly FieldOwners None = new(ImmutableDictionary<FieldManager, ImmutableHashSet<string>>.Empty);

    /// <summary>Fields of a manager.</summary>
    public ImmutableHashSet<string> Of(FieldManager manager) => Fields.GetValueOrDefault(manager, ImmutableHashSet<string>.Empty);

    /// <summary>Whether anybody but <paramref name="manager"/> owns the field.</summary>
    public IEnumerable<FieldManager> OthersOf(FieldManager manager, string path) => Fields.Where(f => f.Key != manager && f.Value.Contains(path)).Select(f => f.Key);

    /// <summary>A write that was no apply: what it changed becomes the writer's alone, what it removed nobody's.</summary>
    public FieldOwners AfterUpdate(FieldManager manager, JsonObject? before, JsonObject after)
    {
        var old = before is null ? [] : FieldPaths.Leaves(before);
        var now = FieldPaths.Leaves(after);
        var changed = now.Where(f => !old.TryGetValue(f.Key, out var value) || !JsonNode.DeepEquals(value, f.Value)).Select(f => f.Key).ToImmutableHashSet();
        var fields = Fields.ToImmutableDictionary(f => f.Key, f => f.Value.Where(p => now.ContainsKey(p) && !changed.Contains(p)).ToImmutableHashSet());
        fields = fields.SetItem(manager, fields.GetValueOrDefault(manager, ImmutableHashSet<string>.Empty).Union(changed));
        return new FieldOwners(fields);
    }
}

/// <summary>A manager of fields. The same name owns apart by apply, by update, and for the status.</summary>
internal sealed record FieldManager(string Name, bool IsApply, string? Subresource);
