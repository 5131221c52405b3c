using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// <c>&lt;data-dir&gt;/workloads.json</c>: written whole and moved into place by one task, the newest state only, so that
/// saving never waits for the disk. Thread-safe.
/// </summary>
public sealed class WorkloadStore(string path, TimeProvider time, ILogger<WorkloadStore> logger)
{
    /// <summary>Name within the data directory.</summary>
    public const string FileName = "workloads.json";

    // In a storm of registrations the whole file is not written for each of them.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _writing = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Func<SavedWorkloads>? _unsaved;

    /// <summary>What was saved last; nothing, where there is no file or it is unreadable (which is logged).</summary>
    public SavedWorkloads Load()
    {
        try
        {
            return File.Exists(path) ? WorkloadFile.Parse(File.ReadAllBytes(path)) : SavedWorkloads.Empty;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            SourcesLog.RegistrationsUnreadable(logger, path, problem.Message);
            return SavedWorkloads.Empty;
        }
    }

    /// <summary>Has the state written soon; <paramref name="snapshot"/> is asked for it then, on the writing task.</summary>
    public void Save(Func<SavedWorkloads> snapshot)
    {
        if (Interlocked.Exchange(ref _unsaved, snapshot) is null)
        {
            _wake.Writer.TryWrite(true);
        }
    }

    /// <summary>Writes until cancelled, and what is left then.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await _wake.Reader.ReadAsync(cancellationToken);
                Flush();
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
        finally
        {
            Flush();
        }
    }

    /// <summary>Writes what is unsaved now.</summary>
    public void Flush()
    {
        lock (_writing)
        {
            if (Interlocked.Exchange(ref _unsaved, null) is not { } snapshot)
            {
                return;
            }

            try
            {
                File.WriteAllBytes(path + ".tmp", WorkloadFile.Format(snapshot()));
                File.Move(path + ".tmp", path, overwrite: true);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                SourcesLog.RegistrationsNotSaved(logger, path, problem.Message);
            }
        }
    }
}
