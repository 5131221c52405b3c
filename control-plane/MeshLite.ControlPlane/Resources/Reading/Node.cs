using System.Collections.Immutable;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// A document before anyone knows what it means, whatever it was written in (YAML; JSON from Kubernetes). Immutable tree,
/// bounded in depth and size by whoever makes it (see <see cref="YamlReader"/>).
/// </summary>
/// <param name="Line">Where it begins, from 1.</param>
internal abstract record Node(int Line)
{
    /// <summary>What it is, for messages: "a list".</summary>
    public abstract string Description { get; }
}

/// <summary>Named fields in the order written, duplicates included: refusing them needs the path, which the reader knows.</summary>
internal sealed record MapNode(int Line, ImmutableArray<FieldNode> Fields) : Node(Line)
{
    /// <inheritdoc/>
    public override string Description => "a map of fields";

    /// <summary>The first field of that name.</summary>
    public FieldNode? Find(string name) => Fields.FirstOrDefault(f => f.Name == name);
}

/// <summary>One field of a map.</summary>
internal sealed record FieldNode(string Name, int Line, Node Value);

/// <summary>A list.</summary>
internal sealed record ListNode(int Line, ImmutableArray<Node> Items) : Node(Line)
{
    /// <inheritdoc/>
    public override string Description => "a list";
}

/// <summary>A single value: its text, and what the notation says it is.</summary>
internal sealed record ScalarNode(int Line, ScalarKind Kind, string Text) : Node(Line)
{
    /// <inheritdoc/>
    public override string Description => Kind switch
    {
        ScalarKind.Null => "nothing",
        ScalarKind.Boolean => $"the boolean {Text}",
        ScalarKind.Integer or ScalarKind.Number => $"the number {Text}",
        _ => $"the text '{(Text.Length <= 40 ? Text : Text[..40] + "…")}'",
    };
}

/// <summary>Types of scalars (YAML 1.2 core schema, which contains JSON's).</summary>
internal enum ScalarKind
{
    /// <summary>Quoted, or nothing else.</summary>
    Text,

    /// <summary>Whole number.</summary>
    Integer,

    /// <summary>Other number.</summary>
    Number,

    /// <summary>true, false.</summary>
    Boolean,

    /// <summary>Nothing.</summary>
    Null,
}
