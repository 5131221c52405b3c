namespace MeshLite.Processes;

/// <summary>What to start. Immutable.</summary>
public sealed record ProcessSpec
{
    /// <summary>Name in messages, and of the log file.</summary>
    public required string Name { get; init; }

    /// <summary>The program: a path, or a name searched in PATH.</summary>
    public required string FileName { get; init; }

    /// <summary>Its arguments, unquoted.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Variables added to this process's environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Null: this process's own.</summary>
    public string? WorkingDirectory { get; init; }
}
