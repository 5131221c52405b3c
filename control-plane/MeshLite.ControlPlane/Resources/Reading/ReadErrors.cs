namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Collects what is wrong with one document. Owned by the reading of that document, one thread.</summary>
internal sealed class ReadErrors(string file)
{
    // A document of nothing but mistakes must not flood the log.
    private const int MaxErrors = 50;

    private readonly List<ResourceError> _errors = [];

    /// <summary>What the document is called, once known.</summary>
    public string Document { get; set; } = "";

    /// <summary>Whether nothing was wrong.</summary>
    public bool None => _errors.Count == 0;

    /// <summary>All that was wrong, in the order found.</summary>
    public IReadOnlyList<ResourceError> All => [.. _errors.Select(e => e with { Document = Document })];

    /// <summary>Adds one.</summary>
    public void Add(int line, string field, string message)
    {
        if (_errors.Count < MaxErrors)
        {
            _errors.Add(new ResourceError(file, line, Document, field, message));
        }
    }
}
