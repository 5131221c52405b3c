namespace MeshLite.Processes;

/// <summary>
/// The output of one process: the newest lines in memory, all of them in a file. Written by the two readers of a
/// <see cref="ManagedProcess"/>; thread-safe.
/// </summary>
public sealed class ProcessLog : IDisposable
{
    private const int LinesKept = 5000;

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = new();
    private readonly StreamWriter? _file;

    internal ProcessLog(string? file)
    {
        if (file is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            // A program started again appends: one file tells its whole story.
            _file = new StreamWriter(new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        }
    }

    /// <summary>The newest lines, oldest first. <value>At most 5000.</value></summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The last <paramref name="count"/> lines, as one text, each indented.</summary>
    public string Tail(int count)
    {
        var lines = Lines;
        return string.Join('\n', lines.Skip(lines.Count - count).Select(l => "    " + l));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _file?.Dispose();
        }
    }

    internal void Add(string line)
    {
        lock (_lock)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesKept)
            {
                _lines.Dequeue();
            }

            if (_file?.BaseStream is { CanWrite: true })
            {
                _file.WriteLine(line);
            }
        }
    }
}
