namespace MeshLite.Processes;

/// <summary>
/// Starts programs and owns them: whatever still runs when it is disposed is killed, by pid. Made by the demo, a bench
/// or a test. Thread-safe.
/// </summary>
/// <param name="time">For timeouts.</param>
/// <param name="logDirectory">Each program's output goes to <c>name.log</c> in it; null: memory only.</param>
public sealed class ProcessLauncher(TimeProvider time, string? logDirectory) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<ManagedProcess> _started = [];

    /// <summary>For timeouts.</summary>
    public TimeProvider Time => time;

    /// <summary>All started so far, also those that ended.</summary>
    public IReadOnlyList<ManagedProcess> Started
    {
        get
        {
            lock (_lock)
            {
                return [.. _started];
            }
        }
    }

    /// <summary>Starts a program; it runs when this returns, it need not be ready.</summary>
    public ManagedProcess Start(ProcessSpec spec)
    {
        var process = new ManagedProcess(spec, logDirectory is null ? null : Path.Combine(logDirectory, spec.Name + ".log"), time);
        lock (_lock)
        {
            _started.Add(process);
        }

        return process;
    }

    /// <summary>Runs a program to its end and returns it.</summary>
    public async Task<ManagedProcess> RunAsync(ProcessSpec spec, TimeSpan timeout)
    {
        var process = Start(spec);
        await process.ExitAsync(timeout);
        return process;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Task.WhenAll(Started.Select(p => p.DisposeAsync().AsTask()));
}
