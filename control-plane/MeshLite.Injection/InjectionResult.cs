using System.Text.Json.Nodes;

namespace MeshLite.Injection;

/// <summary>What became of a pod. Exactly one of <see cref="Pod"/>, <see cref="LeftAlone"/> and <see cref="Refusal"/> is set.</summary>
public sealed record InjectionResult
{
    /// <summary>The pod with its sidecar.</summary>
    public JsonObject? Pod { get; private init; }

    /// <summary>Why it has been left as it was, in a sentence.</summary>
    public string? LeftAlone { get; private init; }

    /// <summary>Why it may not be created, in a sentence that names the field or annotation.</summary>
    public string? Refusal { get; private init; }

    /// <summary>What will not do what somebody may have meant; nothing that keeps the pod from running.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    internal static InjectionResult Injected(JsonObject pod, IReadOnlyList<string> warnings) => new() { Pod = pod, Warnings = warnings };

    internal static InjectionResult Unchanged(string why) => new() { LeftAlone = why };

    internal static InjectionResult Refused(string why) => new() { Refusal = why };
}
