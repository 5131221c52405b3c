using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Watches: each sends what happened after its version, in order, until its time is over or a test ends it.</summary>
internal sealed class ApiWatches(ApiStore store, TimeProvider time)
{
    /// <summary>Without <c>timeoutSeconds</c>; a real server picks 30 to 60 min.</summary>
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(30);

    private readonly Lock _lock = new();
    private readonly HashSet<OpenWatch> _open = [];

    /// <summary>Number of open watches.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Tells every open watch something.</summary>
    public void Tell(Action<OpenWatch> what)
    {
        lock (_lock)
        {
            foreach (var watch in _open)
            {
                what(watch);
            }
        }

        store.Signal();
    }

    public async Task ServeAsync(ApiRequest request, HttpContext http)
    {
        var selector = new Selector(request.Kind, request.Namespace, request["labelSelector"], request["fieldSelector"]);
        var timeout = request["timeoutSeconds"] is { } seconds ? TimeSpan.FromSeconds(int.Parse(seconds)) : DefaultTimeout;
        var bookmarks = request["allowWatchBookmarks"] == "true";
        var version = request["resourceVersion"] is { } text ? long.Parse(text) : 0;
        http.Response.ContentType = "application/json";
        await http.Response.Body.FlushAsync();

        using var limit = new CancellationTokenSource(timeout, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, http.RequestAborted);
        var watch = new OpenWatch();
        lock (_lock)
        {
            _open.Add(watch);
        }

        try
        {
            // Since 1.2x the server says so in the stream, after 200.
            if (version != 0 && version < store.Locked(() => store.Compacted))
            {
                await SendAsync(http, "ERROR", ApiError.Expired($"too old resource version: {version} ({store.Compacted})").ToStatus());
                return;
            }

            if (version == 0)
            {
                version = await SendAllAsync(request, http, selector);
            }

            await FollowAsync(request, http, selector, watch, version, bookmarks, end.Token);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(watch);
            }
        }
    }

    private async Task<long> SendAllAsync(ApiRequest request, HttpContext http, Selector selector)
    {
        var (version, all) = store.Locked(() => (store.Version, store.At_NeedsLock(request.Kind.Type, store.Version)));
        foreach (var json in all.Where(selector.Matches))
        {
            await SendAsync(http, "ADDED", json);
        }

        return version;
    }

    private async Task FollowAsync(ApiRequest request, HttpContext http, Selector selector, OpenWatch watch, long version, bool bookmarks, CancellationToken end)
    {
        while (true)
        {
            var (changes, now, more) = store.After(request.Kind.Type, version);
            foreach (var change in changes)
            {
                if (EventOf(change, selector) is { } type)
                {
                    await SendAsync(http, type, change.Last);
                }
            }

            // A watch never goes back, also when it began ahead.
            version = Math.Max(version, now);
            if (watch.Error is { } error)
            {
                await SendAsync(http, "ERROR", error.ToStatus());
                return;
            }

            var isOver = watch.IsEnded || end.IsCancellationRequested;
            if (bookmarks && (watch.TakeBookmark() || (isOver && !http.RequestAborted.IsCancellationRequested)))
            {
                await SendAsync(http, "BOOKMARK", new JsonObject
                {
                    ["kind"] = request.Kind.Type.Kind,
                    ["apiVersion"] = request.Kind.Type.ApiVersion,
                    ["metadata"] = new JsonObject { ["resourceVersion"] = version.ToString(), ["creationTimestamp"] = null },
                });
            }

            if (isOver)
            {
                return;
            }

            try
            {
                await more.WaitAsync(end);
            }
            catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
            {
                // Once more round, for the last bookmark.
            }
        }
    }

    private static string? EventOf(ApiChange change, Selector selector) => (selector.Matches(change.Before), selector.Matches(change.After)) switch
    {
        (false, true) => "ADDED",
        (true, true) => "MODIFIED",
        (true, false) => "DELETED",
        _ => null,
    };

    private static async Task SendAsync(HttpContext http, string type, JsonObject json)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["type"] = type, ["object"] = json.DeepClone() });
        await http.Response.Body.WriteAsync(line.Append((byte)'\n').ToArray(), http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}

/// <summary>What a test wants of a watch.</summary>
internal sealed class OpenWatch
{
    private int _bookmark;

    public volatile bool IsEnded;

    public volatile ApiError? Error;

    public void AskBookmark() => Volatile.Write(ref _bookmark, 1);

    public bool TakeBookmark() => Interlocked.Exchange(ref _bookmark, 0) == 1;
}
