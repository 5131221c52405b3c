using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// A service of one test over the replicas of <see cref="ReplicaMesh"/>: what it is, what it answers, what arrived. Set what
/// differs, then <see cref="PublishAsync"/>; again for a change. Endpoints have their turns unless the policy says else.
/// </summary>
internal sealed class TestService(ReplicaMesh mesh, string name)
{
    /// <summary>Turns, so that a test knows who is asked; nobody is left out and nothing is scarce.</summary>
    public static readonly ServicePolicyConfig InTurn = new()
    {
        LoadBalancer = new LoadBalancerConfig { Type = LoadBalancerType.RoundRobin },
        EndpointCircuit = new EndpointCircuitConfig { MaxEjectedPercent = 0 },
        RetryBudget = new RetryBudgetConfig { MinPerSecond = 1000 },
    };

    /// <summary>To backend 0, the service itself.</summary>
    public static readonly RouteRuleConfig Plain = new() { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] };

    private readonly ConcurrentQueue<Arrival> _arrivals = new();
    private bool _subscribed;

    public string Name => name;

    public ServiceRef Ref { get; } = new("shop", name, 80);

    /// <summary>How many of the replicas are its endpoints, from <see cref="First"/> on.</summary>
    public int Replicas { get; set; } = 2;

    /// <summary>The first of them.</summary>
    public int First { get; set; }

    /// <summary>The rule's backend is one that does not exist.</summary>
    public bool Missing { get; set; }

    /// <summary>Endpoints instead of replicas.</summary>
    public ImmutableArray<(IPEndPoint Address, SpiffeId Identity)>? Endpoints { get; set; }

    /// <summary>What the replicas' applications speak.</summary>
    public HttpProtocols Protocols { get; set; } = HttpProtocols.Http1;

    public ServicePolicyConfig Policy { get; set; } = InTurn;

    public RouteRuleConfig Rule { get; set; } = Plain;

    /// <summary>What leads to the rule.</summary>
    public PathMatchConfig? Match { get; set; }

    /// <summary>Backends 1 and on: other services.</summary>
    public ImmutableArray<TestService> Others { get; set; } = [];

    /// <summary>What replicas do; the body has been read.</summary>
    public Func<Arrival, HttpContext, Task> Answer { get; set; } = (_, context) => context.Response.WriteAsync("ok");

    public IReadOnlyCollection<Arrival> Arrivals => _arrivals;

    /// <summary>Arrivals at one replica.</summary>
    public int At(int replica) => _arrivals.Count(arrival => arrival.Replica == replica);

    /// <summary>A status and nothing else.</summary>
    public static Task Status(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    /// <summary>A gRPC status without a message (Trailers-Only).</summary>
    public static Task GrpcStatus(HttpContext context, int status)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = $"{status}";
        return Task.CompletedTask;
    }

    public Task ServeAsync(Arrival arrival, HttpContext context)
    {
        _arrivals.Enqueue(arrival);
        return Answer(arrival, context);
    }

    /// <summary>Puts it in force at the caller's sidecar.</summary>
    public async Task<TestService> PublishAsync()
    {
        var endpoints = Endpoints ?? [.. (await mesh.ReplicasAsync(Protocols)).Skip(First).Take(Replicas).Select(r => (r.InboundAddress, r.Identity.Current!.Id))];
        if (!_subscribed)
        {
            // First without any route: whatever is sent meanwhile reaches nobody and counts nowhere.
            mesh.Mesh.ControlPlane.Set(Destination() with { Matches = [], Rules = [], Backends = [] });
            await Eventually.TrueAsync(async () => (await SendAsync()).Error == "no_route", $"{name} is known");
            _subscribed = true;
        }

        string[] versions =
        [
            mesh.Mesh.ControlPlane.Set(new EndpointSetConfig(Ref,
            [
                .. endpoints.Select(e => new EndpointConfig { Address = e.Address, Identity = e.Identity, Workload = $"{name}-{e.Address.Port}" }).OrderBy(e => e.Address.ToString(), StringComparer.Ordinal),
            ])),
            mesh.Mesh.ControlPlane.Set(Destination()),
        ];
        await Eventually.TrueAsync(
            async () =>
            {
                var config = await mesh.Admin.GetStringAsync(new Uri($"http://{mesh.Client.Server.AdminAddress}/config"));
                return versions.All(version => config.Contains(version, StringComparison.Ordinal));
            },
            $"{name} is in force");
        return this;
    }

    /// <summary>Sends one request and reads the whole response.</summary>
    public Task<Reply> SendAsync(string method = "GET", string path = "/", string? body = null, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, body is null ? null : new StringContent(body), CancellationToken.None, headers);

    /// <summary>As above.</summary>
    public async Task<Reply> SendAsync(string method, string path, HttpContent? body, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://{name}{path}") { Content = body };
        foreach (var (header, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(header, value).ShouldBeTrue(header);
        }

        using var response = await mesh.Http.SendAsync(request, cancellationToken);
        return await Reply.OfAsync(response, cancellationToken);
    }

    /// <summary>A gRPC call with one empty message.</summary>
    public async Task<Reply> CallAsync(params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{name}/test.Echo/Call") { Content = new ByteArrayContent(new byte[5]), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        foreach (var (header, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(header, value).ShouldBeTrue(header);
        }

        using var response = await mesh.Http2.SendAsync(request);
        return await Reply.OfAsync(response, CancellationToken.None);
    }

    /// <summary>The access log's lines about it, but for those of its publishing, once there are so many.</summary>
    public async Task<List<JsonElement>> LinesAsync(int count)
    {
        List<JsonElement> Lines() =>
            [.. mesh.Log.Lines.Where(l => l.GetProperty("destination").GetString() == $"shop/{name}" && l.GetProperty("reason").GetString() != "no_route")];
        await Eventually.TrueAsync(() => Lines().Count >= count, $"{count} lines about {name}");
        return Lines();
    }

    /// <summary>What <c>/clusters</c> says of its backend.</summary>
    public async Task<JsonElement> ClusterAsync()
    {
        var clusters = await mesh.Admin.GetFromJsonAsync<JsonElement>(new Uri($"http://{mesh.Client.Server.AdminAddress}/clusters"));
        return clusters.EnumerateArray().Single(cluster => cluster.GetProperty("authority").GetString() == name).GetProperty("backends")[0];
    }

    /// <summary>Returns once so many requests wait for a place.</summary>
    public Task QueuedAsync(int count) => Eventually.TrueAsync(async () => (await ClusterAsync()).GetProperty("queued").GetInt32() == count, $"{count} waiting");

    /// <summary>Sum of the caller's series about it.</summary>
    public async Task<double> MetricAsync(string metric, params (string, string)[] labels) =>
        (await Scrape.OfAsync(mesh.Client)).Sum(metric, [("destination_service", name), .. labels]);

    private DestinationConfig Destination() => new()
    {
        Authority = name,
        Kind = DestinationKind.Service,
        Service = Ref,
        Matches = [new RouteMatchConfig { Rule = 0, Path = Match }],
        Rules = [Rule],
        Backends = [Backend(), .. Others.Select(other => other.Backend())],
    };

    private BackendConfig Backend() => new() { Service = Ref, Policy = Policy, Missing = Missing };
}

/// <summary>A response, read to its end.</summary>
internal sealed record Reply(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? Error => Header("meshlite-error");

    public static async Task<Reply> OfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        var headers = response.Headers.Concat(response.Content.Headers).Concat(response.TrailingHeaders)
            .GroupBy(h => h.Key, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(g => g.Key, g => string.Join(',', g.SelectMany(h => h.Value)), StringComparer.OrdinalIgnoreCase);
        return new Reply((int)response.StatusCode, headers, body);
    }

    /// <summary>A header's or trailer's value; null: absent.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);
}
