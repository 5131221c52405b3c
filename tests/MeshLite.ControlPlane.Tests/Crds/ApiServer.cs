using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.TestKit.Kubernetes.Real;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>
/// A <see cref="RealApiServer"/>, as its administrator, with the CRDs of <c>crds/</c>; where there is none, tests are skipped at its first use. Documents are
/// sent as they stand in their files, as kubectl would, so that it is the server's YAML that reads them.
/// </summary>
public sealed partial class ApiServer : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private static readonly Dictionary<string, (string Api, string Plural, bool Namespaced)> Kinds = new(StringComparer.Ordinal)
    {
        ["Namespace"] = ("api/v1", "namespaces", false),
        ["ServiceAccount"] = ("api/v1", "serviceaccounts", true),
        ["Service"] = ("api/v1", "services", true),
        ["Pod"] = ("api/v1", "pods", true),
        ["Deployment"] = ("apis/apps/v1", "deployments", true),
        ["PodDisruptionBudget"] = ("apis/policy/v1", "poddisruptionbudgets", true),
        ["NetworkPolicy"] = ("apis/networking.k8s.io/v1", "networkpolicies", true),
        ["ClusterRole"] = ("apis/rbac.authorization.k8s.io/v1", "clusterroles", false),
        ["ClusterRoleBinding"] = ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
        ["Role"] = ("apis/rbac.authorization.k8s.io/v1", "roles", true),
        ["RoleBinding"] = ("apis/rbac.authorization.k8s.io/v1", "rolebindings", true),
        ["CustomResourceDefinition"] = ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions", false),
        ["MutatingWebhookConfiguration"] = ("apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", false),
        ["ValidatingWebhookConfiguration"] = ("apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", false),
    };

    /// <summary>Name of the collection: one server, one test after the other, since webhooks of one would be asked by another.</summary>
    internal const string Group = "API server";

    private RealApiServer? _server;
    private HttpClient? _client;
    private X509Certificate2? _authority;

    private HttpClient Client
    {
        get
        {
            Assert.SkipWhen(_client is null, RealApiServer.WhyNot ?? "");
            return _client!;
        }
    }

    /// <summary>The documents of a text, as text; empty ones are left out.</summary>
    public static IEnumerable<string> Split(string yaml) => Separator().Split(yaml).Where(d => d.Contains("kind:", StringComparison.Ordinal));

    public async ValueTask InitializeAsync()
    {
        if (RealApiServer.WhyNot is not null)
        {
            return;
        }

        _server = await RealApiServer.StartAsync();
        Connect(_server.Kubeconfig);
        foreach (var file in Directory.GetFiles(Crd.Directory, "*.yaml").Where(f => Path.GetFileName(f) != "kustomization.yaml"))
        {
            await ApplyAsync(await File.ReadAllTextAsync(file));
        }

        foreach (var crd in Crd.All.Values)
        {
            await WaitForAsync($"apis/meshlite.dev/v1alpha1/{crd.Plural}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _authority?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>Creates an object, or only says what would become of it.</summary>
    public Task<Answer> CreateAsync(string yaml, bool dryRun = true)
    {
        var (path, _) = PathOf(yaml);
        return SendAsync(HttpMethod.Post, $"{path}?fieldValidation=Strict{(dryRun ? "&dryRun=All" : "")}", yaml, "application/yaml");
    }

    /// <summary>Applies an object (server-side); the answer must be a success.</summary>
    public async Task<JsonNode> ApplyAsync(string yaml)
    {
        var (path, name) = PathOf(yaml);
        var answer = await SendAsync(HttpMethod.Patch, $"{path}/{name}?fieldManager=test&force=true&fieldValidation=Strict", yaml, "application/apply-patch+yaml");
        ((int)answer.Status).ShouldBeInRange(200, 201, $"{path}/{name}: {answer.Body}");
        return answer.Body;
    }

    /// <summary>Deletes an object; that it is not there is fine.</summary>
    public async Task DeleteAsync(string yaml)
    {
        var (path, name) = PathOf(yaml);
        await SendAsync(HttpMethod.Delete, $"{path}/{name}", null, "");
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body, string contentType, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, contentType);
        }

        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer(response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!);
    }

    /// <summary>Until an object would be taken: what was deleted before may be in force a moment longer.</summary>
    public async Task WaitForCreateAsync(string yaml)
    {
        var started = TimeProvider.System.GetTimestamp();
        while ((await CreateAsync(yaml)).Status != HttpStatusCode.Created)
        {
            TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(Patience, yaml);
            await Task.Delay(Pause, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private static (string Path, string Name) PathOf(string yaml)
    {
        var document = (MapNode)YamlReader.Read(yaml).Documents.ShouldHaveSingleItem();
        var metadata = (MapNode)document.Find("metadata")!.Value;
        var kind = Text(document, "kind")!;
        var (api, plural, namespaced) = Crd.All.TryGetValue(kind, out var crd) ? ("apis/meshlite.dev/v1alpha1", crd.Plural, crd.Namespaced) : Kinds[kind];
        return (namespaced ? $"{api}/namespaces/{Text(metadata, "namespace") ?? "default"}/{plural}" : $"{api}/{plural}", Text(metadata, "name")!);
    }

    private static string? Text(MapNode map, string name) => (map.Find(name)?.Value as ScalarNode)?.Text;

    // A CRD is served a moment after it is stored.
    private async Task WaitForAsync(string path)
    {
        var started = TimeProvider.System.GetTimestamp();
        while ((await SendAsync(HttpMethod.Get, path, null, "")).Status != HttpStatusCode.OK)
        {
            TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(Patience, path);
            await Task.Delay(Pause, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private void Connect(string kubeconfig)
    {
        var config = YamlReader.Read(File.ReadAllText(kubeconfig)).Documents.ShouldHaveSingleItem();
        _authority = X509CertificateLoader.LoadCertificate(DerOf(config, "clusters", "cluster", "certificate-authority-data"));
        var certificate = X509Certificate2.CreateFromPem(
            Encoding.ASCII.GetString(Decoded(config, "users", "user", "client-certificate-data")), Encoding.ASCII.GetString(Decoded(config, "users", "user", "client-key-data")));
        _client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new()
            {
                ClientCertificates = [certificate],
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority }, RevocationMode = X509RevocationMode.NoCheck },
            },
        })
        {
            BaseAddress = new Uri(Value(config, "clusters", "cluster", "server") + "/"),
        };
    }

    private static byte[] DerOf(Node config, string list, string item, string field) =>
        X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(Decoded(config, list, item, field))).RawData;

    private static byte[] Decoded(Node config, string list, string item, string field) => Convert.FromBase64String(Value(config, list, item, field));

    private static string Value(Node config, string list, string item, string field) =>
        Text((MapNode)((MapNode)((ListNode)((MapNode)config).Find(list)!.Value).Items[0]).Find(item)!.Value, field)!;

    [GeneratedRegex(@"^---\s*$", RegexOptions.Multiline)]
    private static partial Regex Separator();

    /// <summary>What it answered.</summary>
    public sealed record Answer(HttpStatusCode Status, JsonNode Body)
    {
        /// <summary>What was wrong, where it says so field by field.</summary>
        public ImmutableArray<(string Field, string Message)> Causes =>
            [.. Body["details"]?["causes"]?.AsArray().Select(c => ((string?)c!["field"] ?? "", (string?)c["message"] ?? "")) ?? []];
    }
}

/// <summary>Tests that share the server.</summary>
[CollectionDefinition(ApiServer.Group)]
public sealed class ApiServerGroup : ICollectionFixture<ApiServer>;
