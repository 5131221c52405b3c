using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Connection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// An API server in this process, over real HTTPS on a port of its own: list in pages, watch, bookmarks, 410, conflicts, the patches that MeshLite uses, status
/// subresource, TokenReview, admission webhooks. It passes the same contract suite as a real one. Everybody who has a certificate or a token of it may do
/// everything (no RBAC). No schemas but what a test gives, no defaults, no discovery, no controllers.
/// </summary>
public sealed class FakeApiServer : IAsyncDisposable
{
    private readonly ApiStore _store = new();
    private readonly ApiAdmission _admission;
    private readonly ApiWatches _watches;
    private readonly ApiTokens _tokens;
    private readonly ApiPipeline _pipeline;
    private readonly ConnectionGate _gate = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly FakeCertificates _certificates;
    private readonly TimeProvider _time;
    private WebApplication? _web;

    private FakeApiServer(TimeProvider time)
    {
        _time = time;
        // Clients check certificates by the system's clock, whatever the test's.
        _certificates = new FakeCertificates(TimeProvider.System);
        _admission = new ApiAdmission(_store);
        _watches = new ApiWatches(_store, time);
        _tokens = new ApiTokens(time);
        Faults = new ApiFaults(_watches, _gate);
        _pipeline = new ApiPipeline(new ApiReads(_store), _watches, new ApiWrites(_store, _admission, time), _tokens, Faults, _requests);
        Put("""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}""");
    }

    /// <summary>Port it listens on, also after a restart.</summary>
    public int Port { get; private set; }

    /// <summary>How to reach it, as administrator.</summary>
    public ClusterConnection Connection { get; private set; } = null!;

    /// <summary>A client of it, as administrator.</summary>
    public KubernetesClient Client { get; private set; } = null!;

    /// <summary>What a test can break.</summary>
    public ApiFaults Faults { get; }

    /// <summary>PEM of the authority of its certificate.</summary>
    public string AuthorityPem => _certificates.AuthorityPem;

    /// <summary>Where the Services that webhook configurations name really listen: <c>namespace/name</c> → address.</summary>
    public ConcurrentDictionary<string, Uri> WebhookServices => _admission.Services;

    /// <summary>Number of watches that are open.</summary>
    public int OpenWatches => _watches.Count;

    /// <summary>Version of everything.</summary>
    public string Version => _store.Locked(() => _store.Version.ToString());

    /// <summary>Requests so far, newest last, as <c>GET /api/v1/pods?watch=true</c>.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    /// <summary>Starts one with the kinds of <see cref="ResourceTypes"/>, Gateway API routes and the mesh's own, and the namespace <c>default</c>.</summary>
    /// <param name="time">Clock for time stamps, the end of watches, tokens. Default: the system's.</param>
    public static async Task<FakeApiServer> StartAsync(TimeProvider? time = null)
    {
        var server = new FakeApiServer(time ?? TimeProvider.System);
        await server.ListenAsync();
        server.Connection = ClusterConnection.FromKubeconfig(server.WriteKubeconfig(server._certificates.Directory["admin.kubeconfig"]));
        server.Client = new KubernetesClient(server.Connection);
        return server;
    }

    /// <summary>One without a network, for tests that drive <paramref name="time"/> by hand: <see cref="CreateClient"/> reaches it. No watches.</summary>
    public static FakeApiServer InProcess(TimeProvider time) => new(time);

    /// <summary>A client past the network, by whose clock it waits, and with what comes between (delays, losses) if wanted.</summary>
    public KubernetesClient CreateClient(TimeProvider time, Func<HttpMessageHandler, HttpMessageHandler>? between = null)
    {
        HttpMessageHandler handler = new InProcessHandler(_pipeline);
        var connection = new ClusterConnection { Server = new Uri("https://in-process") };
        return new KubernetesClient(connection, new KubernetesClientOptions(), time, between is null ? handler : between(handler));
    }

    /// <summary>Writes a kubeconfig of an administrator, with a client certificate; answers its path.</summary>
    public string WriteKubeconfig(string path)
    {
        File.WriteAllText(path, _certificates.Kubeconfig($"https://127.0.0.1:{Port}"));
        return path;
    }

    /// <summary>Adds a kind, as a CRD with a status subresource would, or replaces it.</summary>
    /// <param name="type">The kind.</param>
    /// <param name="hasStatus">Whether the status is a subresource.</param>
    /// <param name="validate">What is wrong with an object (<c>spec.rules: must not be empty</c>); null if nothing is.</param>
    public void Define(ResourceType type, bool hasStatus = true, Func<JsonObject, string?>? validate = null) =>
        _pipeline.Define(ApiKind.Custom(type) with { HasStatus = hasStatus, Validate = validate });

    /// <summary>Takes a kind away, with its objects: as if its CRD had been deleted. Its watches end with 404.</summary>
    public void Undefine(ResourceType type)
    {
        var kind = _pipeline.KindOf(type);
        foreach (var json in All(type))
        {
            Delete(type, KeyOf(json));
        }

        _pipeline.Undefine(kind.Type);
        // Of all kinds: the others just begin anew.
        Faults.EndWatches();
    }

    /// <summary>
    /// Creates or replaces, status and all, past webhooks, validation and versions: one YAML or JSON document or several. Makes the namespace if it is missing.
    /// Returns the last as stored.
    /// </summary>
    public JsonObject Put(string documents)
    {
        JsonObject? last = null;
        foreach (var json in YamlDocuments.Parse(documents))
        {
            last = new DirectWrites(_store, _pipeline, _time).Put(json);
        }

        return last ?? throw new ArgumentException("no document", nameof(documents));
    }

    /// <summary>The same with one document.</summary>
    public JsonObject Put(JsonObject document) => new DirectWrites(_store, _pipeline, _time).Put(document);

    /// <summary>Deletes at once, past webhooks and finalizers; whether it was there.</summary>
    public bool Delete(ResourceType type, ObjectKey key) => new DirectWrites(_store, _pipeline, _time).Delete(type, key);

    /// <summary>As stored, a copy; null without.</summary>
    public JsonObject? Find(ResourceType type, ObjectKey key) =>
        _store.Locked(() => _store.Find_NeedsLock(_pipeline.KindOf(type).Type, key))?.Json.DeepClone().AsObject();

    /// <summary>All of a kind, copies.</summary>
    public IReadOnlyList<JsonObject> All(ResourceType type) =>
        [.. _store.Locked(() => _store.At_NeedsLock(_pipeline.KindOf(type).Type, _store.Version)).Select(o => o.DeepClone().AsObject())];

    /// <summary>Forgets all history: new watches from an older version, and continuations, get 410; open watches go on.</summary>
    public void Compact() => _store.Compact();

    /// <summary>Sends a bookmark to each watch now, not only before it ends.</summary>
    public void SendBookmarks() => _watches.Tell(w => w.AskBookmark());

    /// <summary>Stops listening and breaks all connections; state is kept.</summary>
    public async Task StopAsync()
    {
        if (_web is { } web)
        {
            _web = null;
            _gate.Open();
            Faults.EndWatches();
            _gate.Break();
            await web.DisposeAsync();
        }
    }

    /// <summary>Stops, and listens again on the same port. Watches resume from history, unless compacted.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await ListenAsync();
    }

    /// <summary>A token that is good for that audience until it is revoked or expires. With <see cref="OwnAudience"/>, as bearer token of requests.</summary>
    public string IssueToken(string ns, string serviceAccount, string audience, TimeSpan? lifetime = null, string? podName = null) =>
        _tokens.Issue(ns, serviceAccount, audience, lifetime ?? TimeSpan.FromHours(1), podName);

    /// <summary>The token is good for nothing from now on.</summary>
    public void RevokeToken(string token) => _tokens.Revoke(token);

    /// <summary>Audience of tokens that are shown to this server.</summary>
    public const string OwnAudience = ApiTokens.OwnAudience;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await StopAsync();
        _certificates.Dispose();
    }

    private async Task ListenAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port, listen =>
        {
            listen.Use(next => connection => _gate.ServeAsync(connection, next));
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = _certificates.Server,
                ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                ClientCertificateValidation = (certificate, _, _) => _certificates.Signed(certificate),
            });
        }));
        var web = builder.Build();
        web.Run(_pipeline.HandleAsync);
        await web.StartAsync();
        Port = new Uri(web.Urls.First()).Port;
        _web = web;
    }

    private static ObjectKey KeyOf(JsonObject json) => new((string?)json["metadata"]!["namespace"], (string)json["metadata"]!["name"]!);
}
