using System.Diagnostics;
using System.Net;

namespace MeshLite.Processes;

/// <summary>
/// One running program: its announcements, its output, its end. Made by <see cref="ProcessLauncher"/>, which ends it at
/// the latest. Thread-safe.
/// </summary>
public sealed class ManagedProcess : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IPEndPoint> _listeners = [];
    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly Task _ended;
    private TaskCompletionSource _changed = NewSignal();
    private bool _ready;
    private bool _hasEnded;

    internal ManagedProcess(ProcessSpec spec, string? logFile, TimeProvider time)
    {
        Name = spec.Name;
        _time = time;
        var start = new ProcessStartInfo(spec.FileName, spec.Arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = spec.WorkingDirectory ?? "",
        };
        foreach (var (name, value) in spec.Environment)
        {
            start.Environment[name] = value;
        }

        Log = new ProcessLog(logFile);
        Log.Add($"--- {spec.FileName} {string.Join(' ', spec.Arguments)}");
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ProcessFailedException($"{spec.Name}: cannot start {spec.FileName}: {e.Message}");
        }

        Id = _process.Id;
        ProcessReaper.Add(Id);
        _process.StandardInput.Close();
        _ended = RunAsync();
    }

    /// <summary>As in the spec.</summary>
    public string Name { get; }

    /// <summary>The pid.</summary>
    public int Id { get; }

    /// <summary>What it wrote to standard output and error.</summary>
    public ProcessLog Log { get; }

    /// <summary>Whether it ended and all its output was read.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded);

    /// <summary>Once it has ended; 128 + the signal if a signal ended it.</summary>
    public int ExitCode { get; private set; } = -1;

    /// <summary>Where it listens under <paramref name="listener"/>, once it says so.</summary>
    public Task<IPEndPoint> ListeningAsync(string listener, TimeSpan timeout, CancellationToken cancellation = default) =>
        WaitForAsync(() => _listeners.GetValueOrDefault(listener), $"listener '{listener}'", timeout, cancellation);

    /// <summary>Returns once it has announced that it is ready.</summary>
    public Task ReadyAsync(TimeSpan timeout, CancellationToken cancellation = default) =>
        WaitForAsync(() => _ready ? this : null, "readiness", timeout, cancellation);

    /// <summary>The first line of its output, of those kept, that fits; waits for it.</summary>
    public Task<string> LineAsync(Func<string, bool> fits, TimeSpan timeout, CancellationToken cancellation = default) =>
        WaitForAsync(() => Log.Lines.FirstOrDefault(fits), "the expected line", timeout, cancellation);

    /// <summary>SIGKILL; returns once it is gone.</summary>
    public Task<int> KillAsync() => SignalAsync(PosixSignals.Kill, TimeSpan.FromSeconds(10));

    /// <summary>SIGTERM; returns once it is gone, with its exit code, or throws after <paramref name="timeout"/>.</summary>
    public Task<int> TerminateAsync(TimeSpan timeout) => SignalAsync(PosixSignals.Terminate, timeout);

    /// <summary>Sends a signal (its number) and returns at once.</summary>
    public void Signal(int signal)
    {
        if (!HasEnded)
        {
            PosixSignals.Send(Id, signal);
        }
    }

    /// <summary>Returns its exit code once it has ended.</summary>
    public async Task<int> ExitAsync(TimeSpan timeout)
    {
        try
        {
            await _ended.WaitAsync(timeout, _time);
        }
        catch (TimeoutException)
        {
            throw new ProcessFailedException($"{Name} (pid {Id}) still runs after {timeout.TotalSeconds:0.#} s; its last output:\n{Log.Tail(20)}");
        }

        return ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!HasEnded)
        {
            await KillAsync();
        }

        _process.Dispose();
        Log.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<int> SignalAsync(int signal, TimeSpan timeout)
    {
        Signal(signal);
        return await ExitAsync(timeout);
    }

    private async Task<T> WaitForAsync<T>(Func<T?> probe, string what, TimeSpan timeout, CancellationToken cancellation)
        where T : class
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (probe() is { } found)
                {
                    return found;
                }

                if (_hasEnded)
                {
                    throw new ProcessFailedException($"{Name} ended with exit code {ExitCode} before {what}; its last output:\n{Log.Tail(20)}");
                }

                changed = _changed.Task;
            }

            var left = timeout - _time.GetElapsedTime(started);
            try
            {
                await changed.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time, cancellation);
            }
            catch (TimeoutException)
            {
                throw new ProcessFailedException($"{Name} (pid {Id}): no {what} within {timeout.TotalSeconds:0.#} s; its last output:\n{Log.Tail(20)}");
            }
        }
    }

    private async Task RunAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        await _process.WaitForExitAsync();
        ProcessReaper.Remove(Id);
        ExitCode = _process.ExitCode;
        Log.Add($"--- ended with exit code {ExitCode}");
        Change(() => _hasEnded = true);
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            Change(() =>
            {
                Log.Add(line);
                if (Announcement.TryParse(line, out var announcement))
                {
                    _ready |= announcement.Ready;
                    if (announcement.Address is { } address)
                    {
                        _listeners[announcement.Name] = address;
                    }
                }
            });
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }
}
