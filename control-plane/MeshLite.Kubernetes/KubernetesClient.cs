using System.Runtime.CompilerServices;
using System.Text.Json;
using MeshLite.Kubernetes.Connection;
using MeshLite.Kubernetes.Http;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes;

/// <summary>
/// The verbs of the API server that are used here, over one HTTP/2 connection (or as many as streams need). Nothing is retried
/// here: callers know what is safe. Every method throws <see cref="KubernetesException"/> when the server says no,
/// <see cref="HttpRequestException"/> when it cannot be reached, <see cref="TimeoutException"/> when it does not answer, and
/// <see cref="JsonException"/> when it answers nonsense. Thread-safe; one a process is enough.
/// </summary>
public sealed class KubernetesClient : IDisposable
{
    private const int PageSize = 500;

    /// <summary>How late the end of a watch may be.</summary>
    private static readonly TimeSpan WatchMargin = TimeSpan.FromSeconds(10);

    private readonly ApiTransport _transport;
    private readonly TimeProvider _time;

    /// <summary>Connects on first use.</summary>
    public KubernetesClient(ClusterConnection connection, KubernetesClientOptions? options = null, TimeProvider? time = null)
        : this(connection, options ?? new KubernetesClientOptions(), time ?? TimeProvider.System, null)
    {
    }

    internal KubernetesClient(ClusterConnection connection, KubernetesClientOptions options, TimeProvider time, HttpMessageHandler? handler)
    {
        _time = time;
        _transport = new ApiTransport(connection, options, time, handler ?? connection.CreateHandler(options));
    }

    /// <summary>One object; <see cref="KubernetesReason.NotFound"/> without.</summary>
    public Task<T> GetAsync<T>(ResourceType<T> type, ObjectKey key, CancellationToken cancellation = default)
        where T : class, IKubernetesObject =>
        SendAsync(type, new ApiCall("get", type, key.Namespace, key.Name) { PathAndQuery = type.PathOf(key.Namespace, key.Name) }, cancellation);

    /// <summary>One object; null without.</summary>
    public async Task<T?> FindAsync<T>(ResourceType<T> type, ObjectKey key, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        try
        {
            return await GetAsync(type, key, cancellation);
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// One page of a list, of at most <paramref name="limit"/> objects (0: all); the state is that of the moment of the first page, at least as
    /// new as any write that was answered before. <see cref="KubernetesReason.Expired"/> when <paramref name="continuation"/> is too old.
    /// </summary>
    public async Task<ObjectPage<T>> ListPageAsync<T>(
        ResourceType<T> type, Selection? selection = null, int limit = 0, string? continuation = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        var call = new ApiCall("list", type, selection?.Namespace, null)
        {
            PathAndQuery = ApiCall.Query(
                type.PathOf(selection?.Namespace),
                ("labelSelector", selection?.LabelSelector),
                ("fieldSelector", selection?.FieldSelector),
                ("limit", limit > 0 ? limit.ToString() : null),
                ("continue", continuation)),
        };
        return ListReader.Read(await _transport.SendAsync(call, cancellation), type.Json);
    }

    /// <summary>Everything, in pages of 500. Where it is changed so fast that a page expires, <see cref="KubernetesReason.Expired"/>.</summary>
    public async Task<ObjectPage<T>> ListAsync<T>(ResourceType<T> type, Selection? selection = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        var page = await ListPageAsync(type, selection, PageSize, null, cancellation);
        var all = new List<T>(page.Items);
        while (page.Continue is not null)
        {
            page = await ListPageAsync(type, selection, PageSize, page.Continue, cancellation);
            all.AddRange(page.Items);
        }

        return page with { Items = all };
    }

    /// <summary>
    /// Everything that happens after <paramref name="resourceVersion"/>, with bookmarks, until the server ends the watch, which it does after
    /// <paramref name="timeout"/> (whole seconds). A server that is 10 s late in that counts as hung: <see cref="TimeoutException"/>.
    /// <see cref="KubernetesReason.Expired"/> when the version is too old.
    /// </summary>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceType<T> type, Selection? selection, string resourceVersion, TimeSpan timeout, [EnumeratorCancellation] CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        var call = new ApiCall("watch", type, selection?.Namespace, null)
        {
            PathAndQuery = ApiCall.Query(
                type.PathOf(selection?.Namespace),
                ("watch", "true"),
                ("allowWatchBookmarks", "true"),
                ("resourceVersion", resourceVersion),
                ("timeoutSeconds", ((long)timeout.TotalSeconds).ToString()),
                ("labelSelector", selection?.LabelSelector),
                ("fieldSelector", selection?.FieldSelector)),
        };
        using var limit = new RequestLimit(timeout + WatchMargin, _time, cancellation);
        using var response = await _transport.OpenAsync(call, cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        await using var events = WatchReader.ReadAsync(call, body, type.Json, limit.Token).GetAsyncEnumerator(CancellationToken.None);
        while (true)
        {
            WatchEvent<T> next;
            try
            {
                if (!await events.MoveNextAsync())
                {
                    yield break;
                }

                next = events.Current;
            }
            catch (Exception error) when (ApiTransport.IsOfTheWire(error, cancellation))
            {
                throw ApiTransport.Translate(call, error, limit);
            }

            yield return next;
        }
    }

    /// <summary>Creates; <see cref="KubernetesReason.AlreadyExists"/> if it does. Only for records that have every field.</summary>
    public Task<T> CreateAsync<T>(ResourceType<T> type, T created, CancellationToken cancellation = default)
        where T : class, IKubernetesObject =>
        SendAsync(
            type,
            new ApiCall("create", type, created.Metadata.Namespace, created.Metadata.Name.Length > 0 ? created.Metadata.Name : created.Metadata.GenerateName)
            {
                Method = HttpMethod.Post,
                PathAndQuery = type.PathOf(created.Metadata.Namespace),
                ContentType = "application/json",
                Body = JsonSerializer.SerializeToUtf8Bytes(created, type.Json),
            },
            cancellation);

    /// <summary>
    /// Replaces the whole object but its status; <see cref="KubernetesReason.Conflict"/> if it is no longer at <see cref="ObjectMeta.ResourceVersion"/> (null:
    /// whatever is there, where the kind allows that). Only for records that have every field.
    /// </summary>
    public Task<T> ReplaceAsync<T>(ResourceType<T> type, T replacement, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => ReplaceAsync(type, replacement, null, cancellation);

    /// <summary>Replaces the status and nothing else; conflicts as <see cref="ReplaceAsync{T}(ResourceType{T}, T, CancellationToken)"/>.</summary>
    public Task<T> ReplaceStatusAsync<T>(ResourceType<T> type, T replacement, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => ReplaceAsync(type, replacement, "status", cancellation);

    /// <summary>JSON merge patch (RFC 7396), UTF-8. With <c>metadata.resourceVersion</c> in it, a conflict if that is no longer the object's.</summary>
    public Task<T> MergePatchAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> patch, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => PatchAsync("patch", "application/merge-patch+json", type, key, null, patch, null, cancellation);

    /// <summary>The same for the status: the patch is of the whole object (<c>{"status":{…}}</c>), the rest of it is ignored.</summary>
    public Task<T> MergePatchStatusAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> patch, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => PatchAsync("patch the status of", "application/merge-patch+json", type, key, "status", patch, null, cancellation);

    /// <summary>
    /// Server-side apply: the fields in <paramref name="applied"/> (UTF-8 JSON with apiVersion, kind and metadata.name) become the manager's, those it had
    /// and no longer names go. Creates what is not there.
    /// </summary>
    public Task<T> ApplyAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> applied, ApplyOptions options, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => PatchAsync("apply", "application/apply-patch+yaml", type, key, null, applied, options, cancellation);

    /// <summary>The same for the status; never creates.</summary>
    public Task<T> ApplyStatusAsync<T>(ResourceType<T> type, ObjectKey key, ReadOnlyMemory<byte> applied, ApplyOptions options, CancellationToken cancellation = default)
        where T : class, IKubernetesObject => PatchAsync("apply the status of", "application/apply-patch+yaml", type, key, "status", applied, options, cancellation);

    /// <summary>Deletes; <see cref="KubernetesReason.NotFound"/> without, <see cref="KubernetesReason.Conflict"/> if it is not at <paramref name="resourceVersion"/>.</summary>
    public Task DeleteAsync<T>(ResourceType<T> type, ObjectKey key, string? resourceVersion = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject =>
        // The answer is the object, or a Status: nobody needs it.
        _transport.SendAsync(
            new ApiCall("delete", type, key.Namespace, key.Name)
            {
                Method = HttpMethod.Delete,
                PathAndQuery = type.PathOf(key.Namespace, key.Name),
                ContentType = "application/json",
                Body = resourceVersion is null
                    ? "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"}"u8.ToArray()
                    : JsonSerializer.SerializeToUtf8Bytes(new DeleteOptions { Preconditions = new Preconditions { ResourceVersion = resourceVersion } }, KubernetesJson.Default.DeleteOptions),
            },
            cancellation);

    /// <summary>
    /// Asks whose <paramref name="token"/> is, and whether it is good for <paramref name="audience"/>: null if it is not. A server that does not speak
    /// of audiences has not checked them: null too.
    /// </summary>
    public async Task<TokenReviewUser?> ReviewTokenAsync(string token, string audience, CancellationToken cancellation = default)
    {
        var review = new TokenReview { Spec = new TokenReviewSpec { Token = token, Audiences = [audience] } };
        var call = new ApiCall("create", null, null, "tokenreviews.authentication.k8s.io")
        {
            Method = HttpMethod.Post,
            PathAndQuery = "apis/authentication.k8s.io/v1/tokenreviews",
            ContentType = "application/json",
            Body = JsonSerializer.SerializeToUtf8Bytes(review, KubernetesJson.Default.TokenReview),
        };
        var answer = JsonSerializer.Deserialize(await _transport.SendAsync(call, cancellation), KubernetesJson.Default.TokenReview)?.Status;
        return answer is { Authenticated: true } && answer.Audiences.Contains(audience, StringComparer.Ordinal) ? answer.User : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private Task<T> ReplaceAsync<T>(ResourceType<T> type, T replacement, string? subresource, CancellationToken cancellation)
        where T : class, IKubernetesObject =>
        SendAsync(
            type,
            new ApiCall(subresource is null ? "replace" : "replace the status of", type, replacement.Metadata.Namespace, replacement.Metadata.Name)
            {
                Method = HttpMethod.Put,
                PathAndQuery = type.PathOf(replacement.Metadata.Namespace, replacement.Metadata.Name, subresource),
                ContentType = "application/json",
                Body = JsonSerializer.SerializeToUtf8Bytes(replacement, type.Json),
            },
            cancellation);

    private Task<T> PatchAsync<T>(
        string verb, string contentType, ResourceType<T> type, ObjectKey key, string? subresource, ReadOnlyMemory<byte> patch, ApplyOptions? apply, CancellationToken cancellation)
        where T : class, IKubernetesObject =>
        SendAsync(
            type,
            new ApiCall(verb, type, key.Namespace, key.Name)
            {
                Method = HttpMethod.Patch,
                PathAndQuery = ApiCall.Query(
                    type.PathOf(key.Namespace, key.Name, subresource), ("fieldManager", apply?.FieldManager), ("force", apply is { Force: true } ? "true" : null)),
                ContentType = contentType,
                Body = patch,
            },
            cancellation);

    private async Task<T> SendAsync<T>(ResourceType<T> type, ApiCall call, CancellationToken cancellation)
        where T : class, IKubernetesObject =>
        JsonSerializer.Deserialize(await _transport.SendAsync(call, cancellation), type.Json) ?? throw new JsonException($"null in answer to {call}");
}
