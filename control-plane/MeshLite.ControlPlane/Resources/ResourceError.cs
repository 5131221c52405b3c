namespace MeshLite.ControlPlane.Resources;

/// <summary>Why a document was refused: one thing wrong at one place, in a plain sentence.</summary>
/// <param name="File">File name; empty for an object of a cluster.</param>
/// <param name="Line">Line, from 1.</param>
/// <param name="Document">Which document, as <c>TrafficRoute shop/orders</c>; empty where the file as a whole is meant.</param>
/// <param name="Field">Path of the field, as <c>spec.rules[0].matches</c>; empty where the document as a whole is meant.</param>
/// <param name="Message">What is wrong.</param>
public sealed record ResourceError(string File, int Line, string Document, string Field, string Message)
{
    /// <summary><c>routes.yaml:12: TrafficRoute shop/orders: spec.rules[0].name: …</c></summary>
    public override string ToString() =>
        string.Join(": ", new[] { File.Length > 0 ? $"{File}:{Line}" : "", Document, Field, Message }.Where(part => part.Length > 0));
}
