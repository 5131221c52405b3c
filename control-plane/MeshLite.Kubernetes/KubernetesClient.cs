using MeshLite.Kubernetes.Connection;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes;

/// <summary>
/// The verbs of the API server that are used here, over one HTTP/2 connection (or as many as streams need). Nothing is retried
/// here: callers know what is safe. Every method throws <see cref="KubernetesException"/> when the server says no,
/// <see cref="HttpRequestException"/> when it cannot be reached, <see cref="TimeoutException"/> when it does not answer.
/// Thread-safe; one a process is enough.
/// </summary>
public sealed class KubernetesClient : IDisposable
{
    /// <summary>Connects on first use.</summary>
    public KubernetesClient(ClusterConnection connection, KubernetesClientOptions? options = null, TimeProvider? time = null) => throw new NotImplementedException();

    /// <summary>One object; <see cref="KubernetesReason.NotFound"/> without.</summary>
    public Task<T> GetAsync<T>(ResourceType<T> type, ObjectKey key, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>One object; null without.</summary>
    public Task<T?> FindAsync<T>(ResourceType<T> type, ObjectKey key, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>
    /// One page of a list, of at most <paramref name="limit"/> objects (0: all); the state is that of the moment of the first page, at least as
    /// new as any write that was answered before. <see cref="KubernetesReason.Expired"/> when <paramref name="continuation"/> is too old.
    /// </summary>
    public Task<ObjectPage<T>> ListPageAsync<T>(
        ResourceType<T> type, Selection? selection = null, int limit = 0, string? continuation = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>Everything, in pages of 500.</summary>
    public Task<ObjectPage<T>> ListAsync<T>(ResourceType<T> type, Selection? selection = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>
    /// Everything that happens after <paramref name="resourceVersion"/>, with bookmarks, until the server ends the watch, which it does after
    /// <paramref name="timeout"/> (whole seconds). A server that is 10 s late in that counts as hung: <see cref="TimeoutException"/>.
    /// <see cref="KubernetesReason.Expired"/> when the version is too old.
    /// </summary>
    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceType<T> type, Selection? selection, string resourceVersion, TimeSpan timeout, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>Creates; <see cref="KubernetesReason.AlreadyExists"/> if it does. Only for records that have every field.</summary>
    public Task<T> CreateAsync<T>(ResourceType<T> type, T created, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>
    /// Replaces the whole object but its status; <see cref="KubernetesReason.Conflict"/> if it is no longer at <see cref="ObjectMeta.ResourceVersion"/> (null:
    /// whatever is there). Only for records that have every field.
    /// </summary>
    public Task<T> ReplaceAsync<T>(ResourceType<T> type, T replacement, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>Replaces the status and nothing else; conflicts as <see cref="ReplaceAsync"/>.</summary>
    public Task<T> ReplaceStatusAsync<T>(ResourceType<T> type, T replacement, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>JSON merge patch (RFC 7396), UTF-8. With <c>metadata.resourceVersion</c> in it, a conflict if that is no longer the object's.</summary>
    public Task<T> MergePatchAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> patch, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>The same for the status: the patch is of the whole object (<c>{"status":{…}}</c>), the rest of it is ignored.</summary>
    public Task<T> MergePatchStatusAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> patch, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>
    /// Server-side apply: the fields in <paramref name="applied"/> (UTF-8 JSON with apiVersion, kind and metadata.name) become the manager's, those it had
    /// and no longer names go. Creates what is not there.
    /// </summary>
    public Task<T> ApplyAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> applied, ApplyOptions options, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>The same for the status; never creates.</summary>
    public Task<T> ApplyStatusAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> applied, ApplyOptions options, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>Deletes; <see cref="KubernetesReason.NotFound"/> without, <see cref="KubernetesReason.Conflict"/> if it is not at <paramref name="resourceVersion"/>.</summary>
    public Task DeleteAsync<T>(ResourceType<T> type, ObjectKey key, string? resourceVersion = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => throw new NotImplementedException();

    /// <summary>Asks whose <paramref name="token"/> is, and whether it is good for <paramref name="audience"/>: null if it is not.</summary>
    public Task<TokenReviewUser?> ReviewTokenAsync(string token, string audience, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
