namespace MeshLite.Functional.Tests.Kit;

/// <summary>Tests that measure the whole process: one after the other, beside nothing else.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>Of the collection.</summary>
    public const string Name = "Alone";
}
