using System.Globalization;
using System.Net.Sockets;
using MeshLite.E2E.Kit;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E.Fields;

/// <summary>
/// One mesh of the real programs for all cases, which come one after the other: a client; <c>o1</c> and <c>o2</c>, versions 1 and 2 of
/// orders, where port 81 is o2's alone; <c>s1</c> and <c>s2</c>, versions 3 and 4 of stock in shop2, where port 82 is s2's alone; and tarpit,
/// whose address takes connections and says nothing.
/// </summary>
public sealed class FieldMesh : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, MeshApp> _apps = new(StringComparer.Ordinal);
    private readonly TcpListener _tarpit = new(System.Net.IPAddress.Loopback, 0);
    private readonly List<TcpClient> _caught = [];
    private TestMesh? _mesh;
    private MeshClient? _client;
    private int _markers;
    private int _ids;

    /// <summary>The applications.</summary>
    internal FieldApps Apps { get; } = new();

    /// <summary>Its control plane.</summary>
    internal ControlPlaneProcess ControlPlane => _mesh!.ControlPlane;

    /// <summary>Connections made to tarpit so far.</summary>
    internal int Caught
    {
        get
        {
            while (_tarpit.Pending())
            {
                _caught.Add(_tarpit.AcceptTcpClient());
            }

            return _caught.Count;
        }
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _tarpit.Start();
        var apps = await Task.WhenAll(new[] { "o1", "o2", "s1", "s2" }.Select(Apps.StartAsync));
        _mesh = await TestMesh.StartAsync(Base(apps[1].Port, apps[3].Port));
        var starting = new[]
        {
            _mesh.AppAsync("orders", s => Labelled(s, "v1"), apps[0]),
            _mesh.AppAsync("orders", s => Labelled(s, "v2"), apps[1]),
            _mesh.AppAsync("stock", s => Labelled(s, "v3") with { Namespace = "shop2" }, apps[2]),
            _mesh.AppAsync("stock", s => Labelled(s, "v4") with { Namespace = "shop2" }, apps[3]),
            _mesh.AppAsync("tarpit", s => s with { Arguments = ["--advertise", $"{_tarpit.LocalEndpoint}"] }, await HttpApp.StartAsync("tarpit")),
        };
        foreach (var app in await Task.WhenAll(starting))
        {
            _apps[app.App.Name] = app;
        }

        _client = await _mesh.ClientAsync();
        foreach (var host in new[] { "orders", "orders:81", "stock.shop2", "stock.shop2:82" })
        {
            await _client.ReachesAsync(host);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Apps.Release();
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        if (_mesh is not null)
        {
            await _mesh.DisposeAsync();
        }

        _caught.ForEach(c => c.Dispose());
        _tarpit.Dispose();
    }

    /// <summary>An application of the mesh.</summary>
    internal HttpApp App(string name) => _apps[name].App;

    /// <summary>Puts documents in the place of the last case's; returns once the client's sidecar goes by them.</summary>
    internal async Task ApplyAsync(string documents)
    {
        var marker = $"/marker-{++_markers}";
        _mesh!.Save("case.yaml", documents.TrimStart('-', '\n') + $$$"""

            ---
            apiVersion: meshlite.dev/v1alpha1
            kind: TrafficRoute
            metadata: {name: marker, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: orders}]
              rules:
              - matches: [{path: {type: Exact, value: {{{marker}}}}}]
                filters: [{type: RequestRedirect, requestRedirect: {hostname: here}}]
            """);
        foreach (var host in new[] { "orders", "orders:81" })
        {
            await Eventually.TrueAsync(async () => (await SendAsync(marker, host: host)).Status == 302, $"{marker} is in force at {host}");
        }
    }

    /// <summary>Sends a request, with what the application is to do.</summary>
    internal async Task<FieldAnswer> SendAsync(
        string target = "/", string does = "", string method = "GET", string host = "orders", string? from = null, params (string Name, string Value)[] headers)
    {
        var id = $"id-{Interlocked.Increment(ref _ids)}";
        var http = from is null ? _client! : Caller(from);
        using var request = http.Request(new HttpMethod(method), host, target, [("x-id", id), ("x-do", does), .. headers.Where(h => h.Name != "content-type")]);
        if (headers.FirstOrDefault(h => h.Name == "content-type").Value is { } type)
        {
            request.Content = new ByteArrayContent([]);
            request.Content.Headers.TryAddWithoutValidation("content-type", type);
        }

        var started = TimeProvider.System.GetTimestamp();
        try
        {
            using var response = await http.SendAsync(request).WaitAsync(Patience, TimeProvider.System);
            var body = await response.Content.ReadAsStringAsync().WaitAsync(Patience, TimeProvider.System);
            var fields = response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
            return new FieldAnswer(id, (int)response.StatusCode, fields, body, TimeProvider.System.GetElapsedTime(started));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or TimeoutException)
        {
            return new FieldAnswer(id, 0, new Dictionary<string, string>(), e.GetType().Name, TimeProvider.System.GetElapsedTime(started));
        }
    }

    /// <summary>So many at once.</summary>
    internal Task<FieldAnswer[]> SendManyAsync(int count, string target = "/", string does = "", string? from = null) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => SendAsync(target, does, from: from)));

    /// <summary>So many in turn.</summary>
    internal async Task<FieldAnswer[]> SendInTurnAsync(int count, string target = "/", string does = "")
    {
        var answers = new FieldAnswer[count];
        for (var i = 0; i < count; i++)
        {
            answers[i] = await SendAsync(target, does);
        }

        return answers;
    }

    /// <summary>Where a request arrived, in order.</summary>
    internal IReadOnlyList<Arrival> ArrivalsOf(FieldAnswer answer) => [.. Apps.Arrivals.Where(a => a.Id == answer.Id)];

    /// <summary>A page of the client's sidecar.</summary>
    internal async Task<string> MetricsAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        return await http.GetStringAsync($"http://{_client!.Sidecar.Telemetry}/metrics");
    }

    // An application that calls through the sidecar it is served by.
    private MeshClient Caller(string app) => _mesh!.Own(new MeshClient(_apps[app].Sidecar));

    private static SidecarSpec Labelled(SidecarSpec spec, string version) => spec with { Labels = new Dictionary<string, string> { ["version"] = version } };

    private static string Base(int o2, int s2) => string.Create(CultureInfo.InvariantCulture, $$$"""
        apiVersion: v1
        kind: Service
        metadata: {name: orders, namespace: shop}
        spec: {ports: [{name: http, port: 80}, {name: v2, port: 81, targetPort: {{{o2}}}}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: stock, namespace: shop2}
        spec: {ports: [{name: http, port: 80}, {name: v4, port: 82, targetPort: {{{s2}}}}]}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: stock, namespace: shop2}
        spec:
          targetRef: {kind: Service, name: stock}
          subsets: [{name: v3, labels: {version: v3}}]
          loadBalancer: {type: RoundRobin}
        """);
}

/// <summary>What came back. <see cref="Status"/> 0: nothing, or not all of it, for the reason in <see cref="Body"/>.</summary>
internal sealed record FieldAnswer(string Id, int Status, IReadOnlyDictionary<string, string> Headers, string Body, TimeSpan Took)
{
    /// <summary>Which application answered; empty: none.</summary>
    public string App => Header("x-app");

    /// <summary>The mesh's reason; empty: none.</summary>
    public string Error => Header("meshlite-error");

    /// <summary>A header's value; empty: absent.</summary>
    public string Header(string name) => Headers.GetValueOrDefault(name, "");
}
