using System.Text.Json;
using MeshLite.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Watching;

/// <summary>
/// Keeps one kind in step with the server: lists in pages, watches, resumes where it left off, lists again when the server has forgotten that place.
/// It remembers versions, not objects: after another list the sink hears only what differs. One task; all state is that task's.
/// </summary>
public sealed class Reflector<T>(
    KubernetesClient client, ResourceType<T> type, Selection? selection, ReflectorOptions options, TimeProvider time, Random random, ILogger logger)
    where T : class, IKubernetesObject
{
    /// <summary>A watch that ends sooner, and without a word, is a failure: else a server that always ends them would be asked without pause.</summary>
    private static readonly TimeSpan ShortestGoodWatch = TimeSpan.FromSeconds(1);

    private readonly SeenVersions _seen = new();
    private readonly Backoff _backoff = new(options.MinBackoff, options.MaxBackoff, random);
    private bool _hasSynced;
    private bool _isMissing;
    private string? _resume;

    /// <summary>Runs until it is cancelled (then returns) or the sink throws; failures of the server are waited out. Once.</summary>
    public async Task RunAsync(IReflectorSink<T> sink, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var wait = await StepAsync(sink, cancellation);
                if (wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait, time, cancellation);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>A list where one is needed, then a watch to its end; answers how long to wait before the next.</summary>
    private async Task<TimeSpan> StepAsync(IReflectorSink<T> sink, CancellationToken cancellation)
    {
        try
        {
            if (_resume is null)
            {
                await ListAsync(sink, cancellation);
            }

            return await WatchAsync(sink, cancellation);
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.Expired)
        {
            _resume = null;
            WatchingLog.Relisting(logger, type, error.Message);
            // At once the first time; a server that forgets what it has just listed is not asked without pause.
            return _backoff.Next() is var wait && _backoff.Failures > 1 ? wait : TimeSpan.Zero;
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.NotFound)
        {
            return OnMissing(sink);
        }
        catch (JsonException error)
        {
            _resume = null;
            var wait = _backoff.Next();
            WatchingLog.Unreadable(logger, type, wait, error.Message);
            return wait;
        }
        catch (Exception error) when (error is KubernetesException or HttpRequestException or TimeoutException)
        {
            var wait = _backoff.Next((error as KubernetesException)?.RetryAfter);
            WatchingLog.WatchLost(logger, type, wait, error.Message);
            return wait;
        }
    }

    private async Task ListAsync(IReflectorSink<T> sink, CancellationToken cancellation)
    {
        var (all, version) = await ReadAllAsync(cancellation);
        if (_hasSynced)
        {
            _seen.Follow(all, sink);
        }
        else
        {
            _hasSynced = true;
            _seen.Start(all, sink);
        }

        _isMissing = false;
        _resume = version;
        WatchingLog.Listed(logger, type, all.Count, version);
    }

    private async Task<(IReadOnlyList<T> All, string Version)> ReadAllAsync(CancellationToken cancellation)
    {
        var page = await client.ListPageAsync(type, selection, options.PageSize, null, cancellation);
        var all = new List<T>(page.Items);
        while (page.Continue is not null)
        {
            try
            {
                page = await client.ListPageAsync(type, selection, options.PageSize, page.Continue, cancellation);
                all.AddRange(page.Items);
            }
            catch (KubernetesException error) when (error.Reason == KubernetesReason.Expired)
            {
                // Pages come too slowly for how fast the server forgets: everything at once, as client-go does.
                page = await client.ListPageAsync(type, selection, 0, null, cancellation);
                return (page.Items, page.ResourceVersion);
            }
        }

        return (all, page.ResourceVersion);
    }

    private async Task<TimeSpan> WatchAsync(IReflectorSink<T> sink, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var heard = false;
        // Spread, so that the watches of all kinds and replicas do not begin anew together.
        var timeout = TimeSpan.FromSeconds(Math.Floor(options.WatchTimeout.TotalSeconds * (1 + random.NextDouble())));
        await foreach (var change in client.WatchAsync(type, selection, _resume!, timeout, cancellation))
        {
            _seen.Apply(change, sink);
            _resume = change.ResourceVersion;
            if (!heard)
            {
                heard = true;
                _backoff.Reset();
            }
        }

        if (heard || time.GetElapsedTime(started) >= ShortestGoodWatch)
        {
            _backoff.Reset();
            return TimeSpan.Zero;
        }

        return _backoff.Next();
    }

    /// <summary>
    /// A kind the server does not have is listed and empty. One that had objects is believed gone only when it is missed twice in a row: a server that is
    /// just starting may not know yet.
    /// </summary>
    private TimeSpan OnMissing(IReflectorSink<T> sink)
    {
        _resume = null;
        if (!_hasSynced)
        {
            _hasSynced = true;
            _seen.Start([], sink);
            _isMissing = true;
            WatchingLog.KindMissing(logger, type, options.MissingKindRetry);
        }
        else if (_isMissing)
        {
            _seen.Clear(sink);
        }
        else
        {
            _isMissing = true;
            WatchingLog.KindMissing(logger, type, options.MissingKindRetry);
        }

        return options.MissingKindRetry;
    }
}

/// <summary>Times of a reflector.</summary>
public sealed record ReflectorOptions
{
    /// <summary>Objects a page. <value>Default 500.</value></summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Shortest time a watch is asked to last; each takes up to twice that. <value>Default 4 min, at least 1 s.</value></summary>
    public TimeSpan WatchTimeout { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>First wait after a failure, doubled with each, with jitter. <value>Default 0.8 s.</value></summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(0.8);

    /// <summary>Longest wait. <value>Default 30 s.</value></summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time between looks for a kind that the server does not have. <value>Default 3 s.</value></summary>
    public TimeSpan MissingKindRetry { get; init; } = TimeSpan.FromSeconds(3);
}
