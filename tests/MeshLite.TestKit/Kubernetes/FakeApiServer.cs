using System.Text.Json.Nodes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Connection;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// An API server in this process, over real HTTPS on a port of its own: list in pages, watch, bookmarks, 410, conflicts, the patches that MeshLite uses, status
/// subresource, TokenReview, admission webhooks. It passes the same contract suite as a real one. Everybody may do everything (no RBAC).
/// </summary>
public sealed class FakeApiServer : IAsyncDisposable
{
    /// <summary>Starts one with the kinds of <see cref="ResourceTypes"/>, Gateway API routes and the mesh's own, and the namespace <c>default</c>.</summary>
    public static Task<FakeApiServer> StartAsync(TimeProvider? time = null) => throw new NotImplementedException();

    /// <summary>How to reach it, as administrator.</summary>
    public ClusterConnection Connection => throw new NotImplementedException();

    /// <summary>A client of it, as administrator.</summary>
    public KubernetesClient Client => throw new NotImplementedException();

    /// <summary>What a test can break.</summary>
    public ApiFaults Faults { get; } = new();

    /// <summary>Writes a kubeconfig of an administrator.</summary>
    public string WriteKubeconfig(string path) => throw new NotImplementedException();

    /// <summary>Adds a kind, as a CRD would; <paramref name="validate"/> answers what is wrong with an object, null if nothing is.</summary>
    public void Define(ResourceType type, bool hasStatus = true, Func<JsonObject, string?>? validate = null) => throw new NotImplementedException();

    /// <summary>Takes a kind away, with its objects: as if its CRD had been deleted.</summary>
    public void Undefine(ResourceType type) => throw new NotImplementedException();

    /// <summary>Creates or replaces (status too), past webhooks and versions: one YAML or JSON document or several. Returns the last as stored.</summary>
    public JsonObject Put(string documents) => throw new NotImplementedException();

    /// <summary>Deletes at once; whether it was there.</summary>
    public bool Delete(ResourceType type, ObjectKey key) => throw new NotImplementedException();

    /// <summary>As stored, a copy; null without.</summary>
    public JsonObject? Find(ResourceType type, ObjectKey key) => throw new NotImplementedException();

    /// <summary>All of a kind, copies.</summary>
    public IReadOnlyList<JsonObject> All(ResourceType type) => throw new NotImplementedException();

    /// <summary>Forgets all history: watches from an older version and continuations get 410; open watches go on.</summary>
    public void Compact() => throw new NotImplementedException();

    /// <summary>Sends a bookmark to each watch now, not only before it ends.</summary>
    public void SendBookmarks() => throw new NotImplementedException();

    /// <summary>Stops listening and breaks all connections; state is kept.</summary>
    public Task StopAsync() => throw new NotImplementedException();

    /// <summary>Listens again on the same port. Watches resume from history, unless compacted.</summary>
    public Task RestartAsync() => throw new NotImplementedException();

    /// <summary>A token TokenReview accepts until it is revoked or expires, for that audience; also good as bearer token of requests.</summary>
    public string IssueToken(string ns, string serviceAccount, string audience, TimeSpan? lifetime = null, string? podName = null) => throw new NotImplementedException();

    /// <summary>TokenReview refuses it from now on.</summary>
    public void RevokeToken(string token) => throw new NotImplementedException();

    /// <summary>Requests so far, newest last, as <c>GET /api/v1/pods?watch=true</c>.</summary>
    public IReadOnlyList<string> Requests => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
