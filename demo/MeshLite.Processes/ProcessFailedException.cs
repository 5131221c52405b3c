namespace MeshLite.Processes;

/// <summary>A program did not start, or ended while something was still expected of it. The message holds its last output.</summary>
public sealed class ProcessFailedException(string message) : Exception(message);
