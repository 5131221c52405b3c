using BenchmarkDotNet.Loggers;

namespace MeshLite.Benchmarks;

/// <summary>Of BenchmarkDotNet's thousands of lines the console shows what runs now and what went wrong; all of them are in the log beside the results.</summary>
internal sealed class ProgressLogger : ILogger
{
    private const string Begins = "// Benchmark: ";

    /// <inheritdoc/>
    public string Id => nameof(ProgressLogger);

    /// <inheritdoc/>
    public int Priority => 0;

    /// <inheritdoc/>
    public void Write(LogKind logKind, string text)
    {
        if (logKind == LogKind.Error)
        {
            Console.Error.Write(text);
        }
    }

    /// <inheritdoc/>
    public void WriteLine()
    {
    }

    /// <inheritdoc/>
    public void WriteLine(LogKind logKind, string text)
    {
        if (logKind == LogKind.Error)
        {
            Console.Error.WriteLine(text);
        }
        else if (text.StartsWith(Begins, StringComparison.Ordinal))
        {
            // Between the two stands the job, which is the same for all.
            var name = text.IndexOf(": ", Begins.Length, StringComparison.Ordinal);
            var parameters = text.LastIndexOf(" [", StringComparison.Ordinal);
            Console.WriteLine(string.Concat(text.AsSpan(Begins.Length, name - Begins.Length), parameters < 0 ? "" : text.AsSpan(parameters)));
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }
}
