namespace MeshLite.Kubernetes;

/// <summary>What to list or to watch.</summary>
public record Selection
{
    /// <summary>Null: all namespaces.</summary>
    public string? Namespace { get; init; }

    /// <summary>As in <c>kubectl -l</c>.</summary>
    public string? LabelSelector { get; init; }

    /// <summary>As in <c>kubectl --field-selector</c>: <c>metadata.name=orders</c>.</summary>
    public string? FieldSelector { get; init; }
}

/// <summary>One page of a list. <param name="Items">Objects.</param><param name="ResourceVersion">Version of the whole list: where a watch begins.</param>
/// <param name="Continue">Asks for the next page; null on the last.</param></summary>
public sealed record ObjectPage<T>(IReadOnlyList<T> Items, string ResourceVersion, string? Continue);

/// <summary>What a watch said.</summary>
public enum WatchEventType
{
    /// <summary>The object is new, or came to match the selection.</summary>
    Added,

    /// <summary>The object changed.</summary>
    Modified,

    /// <summary>The object is gone, or no longer matches; with its last state.</summary>
    Deleted,

    /// <summary>Nothing happened up to <see cref="WatchEvent{T}.ResourceVersion"/>; no object.</summary>
    Bookmark,
}

/// <summary>One line of a watch. <param name="Type">What happened.</param><param name="Object">Null for a bookmark.</param>
/// <param name="ResourceVersion">From where a watch goes on after this.</param></summary>
public sealed record WatchEvent<T>(WatchEventType Type, T? Object, string ResourceVersion)
    where T : class;

/// <summary>Conditions and choices of an apply. <param name="FieldManager">In whose name the fields are owned.</param>
/// <param name="Force">Takes fields from other managers instead of failing with <see cref="KubernetesReason.Conflict"/>.</param></summary>
public sealed record ApplyOptions(string FieldManager, bool Force = false);
