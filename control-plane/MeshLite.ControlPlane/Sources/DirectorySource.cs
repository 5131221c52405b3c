using System.Collections.Concurrent;
using System.Threading.Channels;
using MeshLite.ControlPlane.Index;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// Watches a directory of YAML documents and posts what changes to the index. One task does everything; the watcher's
/// events only wake it. A look every <see cref="PollInterval"/> finds what the watcher misses (it can lose events, and on
/// some file systems there are none).
/// </summary>
public sealed class DirectorySource(
    string directory, string lastGoodDirectory, MeshIndex index, TimeProvider time, ControlPlaneMetrics metrics, ILogger<DirectorySource> logger)
{
    /// <summary>How often the directory is looked at without being told. <value>1 s.</value></summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>Where what is refused is kept for those who ask.</summary>
    internal RefusedDocuments Refused { get; init; } = new();

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentQueue<string> _complete = new();

    /// <summary>
    /// Posts what is there, then <see cref="Synced"/>, then every change, until cancelled. <paramref name="blocked"/> is told why
    /// nothing can be published yet, should that be so.
    /// </summary>
    public async Task RunAsync(Action<string> blocked, CancellationToken cancellationToken)
    {
        var state = new DirectoryState(directory, new LastGoodFiles(lastGoodDirectory, logger), time, metrics, logger) { Refused = Refused };
        // Watching begins before the first look: what changes in between is seen twice rather than never.
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = TryWatch();
            var step = Look(state, isFirst: true);
            var synced = false;
            var blocker = "";
            while (true)
            {
                foreach (var change in step.Changes)
                {
                    index.Post(change);
                }

                if (!synced && state.Blocker is { } reason)
                {
                    if (reason != blocker)
                    {
                        SourcesLog.Blocked(logger, reason);
                        blocked(blocker = reason);
                    }
                }
                else if (!synced)
                {
                    synced = true;
                    index.Post(new Synced(time.GetTimestamp()));
                }

                await WaitAsync(step.NextDue, cancellationToken);
                watcher = KeepWatching(watcher);
                step = Look(state, isFirst: false);
            }
        }
        finally
        {
            watcher?.Dispose();
        }
    }

    private DirectoryStep Look(DirectoryState state, bool isFirst)
    {
        try
        {
            return state.Step(TakeComplete(), isFirst);
        }
        catch (Exception problem)
        {
            // The root of the loop: one file nobody thought of must not end the watching of all others.
            SourcesLog.LookFailed(logger, problem, directory);
            return new DirectoryStep([], null);
        }
    }

    private async Task WaitAsync(long? due, CancellationToken cancellationToken)
    {
        var wait = due is { } at ? time.GetElapsedTime(time.GetTimestamp(), at) : PollInterval;
        wait = wait < PollInterval ? wait : PollInterval;
        // Timers count whole milliseconds and may fire a little early.
        wait = wait <= TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : wait + TimeSpan.FromMilliseconds(1);
        using var timeout = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _wake.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time for a look.
        }
    }

    private List<string> TakeComplete()
    {
        var names = new List<string>();
        while (_complete.TryDequeue(out var name))
        {
            names.Add(name);
        }

        return names;
    }

    private FileSystemWatcher? TryWatch()
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(directory)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.DirectoryName,
                InternalBufferSize = 65536,
            };
            watcher.Changed += (_, _) => Wake();
            watcher.Created += (_, _) => Wake();
            watcher.Deleted += (_, _) => Wake();
            watcher.Renamed += (_, e) =>
            {
                // Written elsewhere and moved into place: whole, by the usual way to write files.
                if (e.Name is { } name)
                {
                    _complete.Enqueue(name);
                }

                Wake();
            };
            watcher.Error += (sender, _) =>
            {
                ((FileSystemWatcher)sender).EnableRaisingEvents = false;
                Wake();
            };
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            SourcesLog.WatchFailed(logger, directory, problem.Message);
            watcher?.Dispose();
            return null;
        }
    }

    /// <summary>A watcher that has failed is replaced, once the directory is there (again).</summary>
    private FileSystemWatcher? KeepWatching(FileSystemWatcher? watcher)
    {
        if (watcher is null or { EnableRaisingEvents: true } || !Directory.Exists(directory))
        {
            return watcher;
        }

        watcher.Dispose();
        return TryWatch();
    }

    private void Wake() => _wake.Writer.TryWrite(true);
}
