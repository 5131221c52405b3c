using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests;

/// <summary>A control plane in a cluster, and what its API server asks of the webhooks: over TLS, by the Service's name, trusted by the bundle that the leader patched in.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private static readonly ResourceType<RawObject> Pods = ResourceTypes.Raw("", "v1", "pods", "Pod", isNamespaced: true);
    private static readonly ResourceType<RawObject> Routes = ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficroutes", "TrafficRoute", isNamespaced: true);

    private readonly TestDirectory _directory = new();
    private FakeApiServer _server = null!;
    private ControlPlaneHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await FakeApiServer.StartAsync();
        _server.Put("""
            apiVersion: v1
            kind: Namespace
            metadata: {name: shop, labels: {meshlite.dev/inject: enabled}}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: plain}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: meshlite-system}
            ---
            apiVersion: meshlite.dev/v1alpha1
            kind: MeshConfig
            metadata: {name: default}
            spec: {mtls: {certificateLifetime: 10s}}
            ---
            apiVersion: admissionregistration.k8s.io/v1
            kind: MutatingWebhookConfiguration
            metadata: {name: meshlite}
            webhooks:
            - name: inject.meshlite.dev
              clientConfig: {service: {namespace: meshlite-system, name: meshlite-control-plane, path: /inject, port: 443}}
              rules: [{apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
              failurePolicy: Fail
              sideEffects: None
              admissionReviewVersions: [v1]
            ---
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: {name: meshlite}
            webhooks:
            - name: validate.meshlite.dev
              clientConfig: {service: {namespace: meshlite-system, name: meshlite-control-plane, path: /validate, port: 443}}
              rules: [{apiGroups: [meshlite.dev], apiVersions: [v1alpha1], resources: ["*"], operations: [CREATE, UPDATE]}]
              failurePolicy: Fail
              sideEffects: None
              admissionReviewVersions: [v1]
            """);
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        _host = await ControlPlaneHost.StartAsync(
            new ControlPlaneOptions
            {
                Cluster = new ClusterOptions { Kubeconfig = _server.WriteKubeconfig(_directory["kubeconfig"]), Namespace = "meshlite-system", SidecarImage = "meshlite/sidecar:test" },
                Grpc = any, Telemetry = any, Webhook = any,
            },
            TimeProvider.System, logging => logging.ClearProviders(), CancellationToken.None);
        _server.WebhookServices["meshlite-system/meshlite-control-plane"] = new Uri($"https://127.0.0.1:{_host.WebhookEndPoint.Port}");
        await Eventually.TrueAsync(
            () => Task.FromResult(_server.All(ResourceTypes.MutatingWebhookConfigurations).Concat(_server.All(ResourceTypes.ValidatingWebhookConfigurations))
                .All(configuration => configuration["webhooks"]![0]!["clientConfig"]!["caBundle"] is not null)),
            "the leader patches the bundle in");
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Pod_OfALabelledNamespace_IsStoredWithItsSidecar()
    {
        await _server.Client.CreateAsync(Pods, Pod("shop", "orders"));
        await _server.Client.CreateAsync(Pods, Pod("plain", "orders"));

        var stored = _server.Find(Pods, new ObjectKey("shop", "orders")).ShouldNotBeNull();
        stored["spec"]!["initContainers"]!.AsArray().Select(c => c!["name"]!.GetValue<string>()).ShouldBe(["meshlite-capture", "meshlite-sidecar"]);
        stored["spec"]!["initContainers"]![1]!["image"]!.GetValue<string>().ShouldBe("meshlite/sidecar:test");
        stored["metadata"]!["annotations"]!["meshlite.dev/trust-bundle"]!.GetValue<string>().ShouldStartWith("-----BEGIN CERTIFICATE-----");
        _server.Find(Pods, new ObjectKey("plain", "orders")).ShouldNotBeNull()["spec"]!["initContainers"].ShouldBeNull();
        var metrics = await new HttpClient().GetStringAsync(new Uri($"http://{_host.TelemetryEndPoint}/metrics"));
        metrics.ShouldContain("meshlite_admission_requests_total{webhook=\"inject\",result=\"injected\"} 1");
        metrics.ShouldContain("meshlite_admission_requests_total{webhook=\"inject\",result=\"left_alone\"} 1");
    }

    [Fact]
    public async Task Pod_WithAWrongAnnotation_IsRefusedInASentence()
    {
        var refused = await Should.ThrowAsync<KubernetesException>(() => _server.Client.CreateAsync(Pods, Pod("shop", "wrong", """{"meshlite.dev/log-level": "loud"}""")));

        refused.Message.ShouldContain("pod shop/wrong can't be in the mesh: annotation meshlite.dev/log-level: 'loud' is none of Trace");
        _server.Find(Pods, new ObjectKey("shop", "wrong")).ShouldBeNull();
    }

    [Fact]
    public async Task NamespaceMadeJustNow_IsLookedUp()
    {
        _server.Put("""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new", "labels": {"meshlite.dev/inject": "enabled"}}}""");

        await _server.Client.CreateAsync(Pods, Pod("new", "orders"));

        _server.Find(Pods, new ObjectKey("new", "orders")).ShouldNotBeNull()["spec"]!["initContainers"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Route_Misspelt_IsRefusedByField()
    {
        var refused = await Should.ThrowAsync<KubernetesException>(() => _server.Client.CreateAsync(Routes, RawObject.Parse("""
            {"apiVersion": "meshlite.dev/v1alpha1", "kind": "TrafficRoute", "metadata": {"name": "orders", "namespace": "shop"},
             "spec": {"parentRefs": [{"kind": "Service", "name": "orders"}], "rules": [{"backendRefs": [{"name": "orders"}], "timeout": "1s"}]}}
            """)));

        refused.Message.ShouldContain("TrafficRoute shop/orders: spec.rules[0].timeout");
    }

    [Theory]
    [InlineData("GET", "/inject", null, "", 405)]
    [InlineData("POST", "/other", "application/json", "{}", 404)]
    [InlineData("POST", "/inject", "text/plain", "{}", 415)]
    [InlineData("POST", "/inject", "application/json", "{", 400)]
    [InlineData("POST", "/inject", "application/json", "{}", 400)]
    [InlineData("POST", "/inject", "application/json", """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {}}""", 400)]
    [InlineData("POST", "/validate", "application/json", "LARGE", 413)]
    public async Task Request_ThatIsNoReview_GetsAStatus(string method, string path, string? type, string body, int status)
    {
        using var http = Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (type is not null)
        {
            request.Content = new StringContent(body == "LARGE" ? new string(' ', 8 * 1024 * 1024) : body, Encoding.UTF8, type);
        }

        request.Headers.ExpectContinue = true; // not to be writing still when the answer comes
        using var response = await http.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(status);
        (await response.Content.ReadAsStringAsync()).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Review_OfANamespaceNobodyKnows_IsAFailureInASentence()
    {
        using var http = Client();
        using var content = new StringContent("""
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
             "request": {"uid": "u-1", "operation": "CREATE", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "nowhere", "dryRun": true, "object": {"metadata": {}, "spec": {}}}}
            """, Encoding.UTF8, "application/json");

        using var response = await http.PostAsync(new Uri("/inject?timeout=10s", UriKind.Relative), content);

        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["response"]!;
        (answer["uid"]!.GetValue<string>(), answer["allowed"]!.GetValue<bool>(), answer["status"]!["code"]!.GetValue<int>()).ShouldBe(("u-1", false, 500));
        answer["status"]!["message"]!.GetValue<string>().ShouldContain("does not know namespace nowhere");
    }

    [Fact]
    public async Task Root_ReplacedInTheSecret_PodsAreInjectedAllAlongAndEverythingFollows()
    {
        var next = new TestAuthority(TimeProvider.System, "CN=next root");
        await Eventually.TrueAsync(() => TryReplaceAsync(next), "the Secret is written");

        // Overlap, 15 s; retire, 10 s; each time the leader looks for up to 5 s.
        var pods = 0;
        var most = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                var made = await _server.Client.CreateAsync(Pods, Pod("shop", $"orders-{pods++}"));
                made.Json.GetProperty("spec").TryGetProperty("initContainers", out _).ShouldBeTrue();
                var roots = BundleOf(_server.All(ResourceTypes.MutatingWebhookConfigurations).Single());
                most = Math.Max(most, roots.Count);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
                return roots.Count == 1 && roots[0].Subject == next.Public.Subject;
            },
            "the next root alone", TimeSpan.FromMinutes(2));

        most.ShouldBe(2);
        string? issuer = null;
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => (issuer = certificate!.Issuer) is not null },
        });
        using var response = await http.GetAsync(new Uri($"https://127.0.0.1:{_host.WebhookEndPoint.Port}/"));
        issuer.ShouldBe(next.Public.Subject);
    }

    private static X509Certificate2Collection BundleOf(JsonObject configuration)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(Encoding.ASCII.GetString(Convert.FromBase64String((string)configuration["webhooks"]![0]!["clientConfig"]!["caBundle"]!)));
        return roots;
    }

    // As cert-manager does: its three keys, the rest left alone.
    private async Task<bool> TryReplaceAsync(TestAuthority next)
    {
        var secret = await _server.Client.GetAsync(ResourceTypes.Secrets, new ObjectKey("meshlite-system", "meshlite-ca"));
        var root = Encoding.ASCII.GetBytes(next.Public.ExportCertificatePem());
        try
        {
            await _server.Client.ReplaceAsync(ResourceTypes.Secrets, secret with
            {
                Data = new Dictionary<string, byte[]>(secret.Data)
                {
                    ["tls.key"] = Encoding.ASCII.GetBytes(next.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()), ["tls.crt"] = root, ["ca.crt"] = root,
                },
            });
            return true;
        }
        catch (KubernetesException problem) when (problem.Reason == KubernetesReason.Conflict)
        {
            return false;
        }
    }

    private HttpClient Client() => new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
    {
        BaseAddress = new Uri($"https://127.0.0.1:{_host.WebhookEndPoint.Port}"),
    };

    private static RawObject Pod(string ns, string name, string annotations = "{}") => RawObject.Parse($$$"""
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "{{{name}}}", "namespace": "{{{ns}}}", "annotations": {{{annotations}}}}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
        """);
}
