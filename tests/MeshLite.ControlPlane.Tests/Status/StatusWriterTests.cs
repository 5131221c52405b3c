using System.Net;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.ControlPlane.Status;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.ControlPlane.Tests.Status;

/// <summary>The writer on manual time, before an API server in this process; the test is the watch.</summary>
public sealed class StatusWriterTests : IAsyncDisposable
{
    private const string Policy = "{apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: p, namespace: shop}, spec: {targetRef: {kind: Service, name: orders}}}";

    private static readonly ResourceKey Key = new(ResourceKind.TrafficPolicy, "shop", "p");
    private static readonly ResourceType<RawObject> Type = OwnTypes.Of(ResourceKind.TrafficPolicy);
    private static readonly DestinationKey Orders = DestinationKey.Of("orders", "shop");

    private readonly ManualTimeProvider _time = new();
    private readonly FakeApiServer _api;
    private readonly KubernetesClient _client;
    private readonly Publisher _publisher = new();
    private readonly StoredObjects _stored = new();
    private readonly RecordingLogger<StatusWriter> _log = new();
    private readonly List<DateTimeOffset> _writes = [];
    private readonly CancellationTokenSource _leading = new();
    private readonly StatusWriter _writer;
    private Task _running = Task.CompletedTask;
    private IndexView _view = IndexView.Empty;
    private bool _isLeader = true;

    public StatusWriterTests()
    {
        _api = FakeApiServer.InProcess(_time);
        _client = _api.CreateClient(_time, handler => new WriteTimes(handler, _time, _writes));
        _writer = new StatusWriter(
            _client, _publisher, new AckTally(_publisher), _stored, wake => new ReplicaPeers("meshlite-system", "me", () => new(), wake, _time, _log),
            new StatusEvents(_client, "me", _time, _log), () => _isLeader, _time, _log);
        Apply(MeshCase.Parse("apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {ports: [{port: 80}]}").Changes.Single());
    }

    public async ValueTask DisposeAsync()
    {
        await _leading.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        await _api.DisposeAsync();
        _leading.Dispose();
    }

    [Fact]
    public async Task Lead_ObjectWithoutStatus_IsWrittenOnceAfterAMoment()
    {
        Put(Policy);
        var began = _time.GetUtcNow();
        Start();

        await SaysAsync("Programmed", "0/0 sidecars");

        (_writes.Single() - began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(250));
        ((long)Stored["status"]!["observedGeneration"]!).ShouldBe(1);
        Seen();
        await RoundsAsync(8);
        Writes.ShouldBe(1);
    }

    [Fact]
    public async Task Lead_SidecarsAcknowledge_AtMostOneWriteASecond()
    {
        Listener[] sidecars = [.. Enumerable.Range(0, 10).Select(_ => new Listener())];
        var entry = sidecars.Select(s => _publisher.Watch(Orders, s)).ToList()[0];
        Put(Policy);
        Start();
        await SaysAsync("Programmed", "0/10 sidecars");

        foreach (var sidecar in sidecars)
        {
            entry.Acks!.Acked(sidecar, entry.Current.Version);
            await RoundsAsync(1);
        }

        await SaysAsync("Programmed", "10/10 sidecars");
        ((string)Condition("Programmed")["status"]!).ShouldBe("True");
        _writes.Count.ShouldBeGreaterThan(2);
        _writes.Zip(_writes.Skip(1), (a, b) => b - a).ShouldAllBe(between => between >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Lead_SomebodyWroteMeanwhile_WaitsForTheWatchThenWritesOverIt()
    {
        Put(Policy);
        _api.Put(Policy.Replace("name: p,", "name: p, labels: {a: b},", StringComparison.Ordinal));
        Start();

        await RoundsAsync(2);
        Stored["status"].ShouldBeNull();
        Seen();

        await SaysAsync("Programmed", "0/0 sidecars");
    }

    [Fact]
    public async Task Lead_SidecarRefuses_SaidWithReasonAndOneEventUntilItIsOver()
    {
        var sidecar = new Listener();
        var entry = _publisher.Watch(Orders, sidecar);
        Put(Policy);
        entry.Acks!.Refused(sidecar, entry.Current.Version, "destination/orders: too odd");
        Start();
        await SaysAsync("Programmed", "0/1 sidecars; 1 refused it: destination/orders: too odd");
        await RoundsAsync(3);

        var told = _api.All(ResourceTypes.Events).ShouldHaveSingleItem();
        $"{told["type"]} {told["reason"]} {told["action"]} {told["regarding"]!["name"]} {told["note"]}".ShouldBe("Warning Rejected Programmed p 0/1 sidecars; 1 refused it: destination/orders: too odd");

        entry.Acks.Acked(sidecar, entry.Current.Version);
        await SaysAsync("Programmed", "1/1 sidecars");
        await RoundsAsync(1);
        _api.All(ResourceTypes.Events).Select(e => $"{e["type"]} {e["reason"]}").ShouldBe(["Warning Rejected", "Normal Programmed"], ignoreOrder: true);
    }

    [Fact]
    public async Task Lead_NoLongerLeading_WritesNothing()
    {
        Put(Policy);
        _isLeader = false;
        Start();
        await RoundsAsync(3);
        Writes.ShouldBe(0);

        await _leading.CancelAsync();
        _isLeader = true;
        await Should.ThrowAsync<OperationCanceledException>(() => _running);
        _time.Advance(TimeSpan.FromSeconds(10));
        Writes.ShouldBe(0);
    }

    [Fact]
    public async Task Lead_ObjectGone_NothingIsSaidOfIt()
    {
        Put(Policy);
        _api.Delete(Type, OwnTypes.KeyOf(Key));
        Start();

        await RoundsAsync(4);

        Writes.ShouldBe(1);
        _log.Lines.ShouldBeEmpty();
    }

    [Fact]
    public async Task Lead_ServerFails_TriesAgain()
    {
        Put(Policy);
        _api.Faults.Answer(HttpStatusCode.ServiceUnavailable);
        Start();
        await RoundsAsync(1);
        Stored["status"].ShouldBeNull();

        await SaysAsync("Programmed", "0/0 sidecars");
    }

    [Fact]
    public async Task Lead_ReplicaNotHeard_SaidOnlyOnceItHadTheTime()
    {
        Put(Policy);
        var slice = new EndpointSliceResource
        {
            Key = new("meshlite-system", "s"), Service = new("meshlite-system", "meshlite-control-plane"), Family = System.Net.Sockets.AddressFamily.InterNetwork, Ports = [new("grpc", 1)],
            Endpoints = [new(IPAddress.Loopback, true, true, false, null)],
        };
        Apply(new SliceChange(slice.Key, slice, 0));
        var began = _time.GetUtcNow();
        Start();

        await SaysAsync("Programmed", "0/0 sidecars, 1 replica not heard");

        ((string)Condition("Programmed")["status"]!).ShouldBe("Unknown");
        (_writes.Single() - began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(3));
    }

    private int Writes
    {
        get
        {
            lock (_writes)
            {
                return _writes.Count;
            }
        }
    }

    private JsonObject Stored => _api.Find(Type, OwnTypes.KeyOf(Key))!;

    private JsonObject Condition(string type) => Stored["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == type)!.AsObject();

    private string Message(string type) => (string)Condition(type)["message"]!;

    private void Start() => _running = _writer.LeadAsync(_leading.Token);

    /// <summary>The object is stored, and seen by watch and index.</summary>
    private void Put(string yaml)
    {
        _api.Put(yaml);
        Seen();
        var item = _stored.Find(Key)!;
        var policy = new TrafficPolicyResource { Key = Key, Origin = ResourceOrigin.InCluster(item.CreatedAt), Generation = item.Generation, Target = "orders" };
        Apply(new ResourceChange(Key, policy, 0));
    }

    private void Seen() => _stored.Put(StoredObject.Of(Key, RawObject.Parse(Stored.ToJsonString())));

    private void Apply(IndexChange change)
    {
        var touched = new HashSet<IndexKey>();
        _view = IndexReducer.Apply(_view, change, touched);
        _publisher.Apply(new IndexUpdate(_view, touched, 0));
    }

    /// <summary>Lets time pass until it holds.</summary>
    private Task UntilAsync(Func<bool> condition, string what) => Eventually.TrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            return condition();
        },
        what);

    /// <summary>Lets that many rounds pass: each takes at least the quarter of a second in which it gathers, at most a second and that.</summary>
    private Task RoundsAsync(int count)
    {
        var until = _writer.Rounds + count;
        return UntilAsync(() => _writer.Rounds >= until, $"{count} more rounds");
    }

    private Task SaysAsync(string type, string message) => UntilAsync(() => Stored["status"] is not null && Message(type) == message, $"{type}: {message}");

    /// <summary>When each write was sent.</summary>
    private sealed class WriteTimes(HttpMessageHandler inner, TimeProvider time, List<DateTimeOffset> writes) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Patch)
            {
                lock (writes)
                {
                    writes.Add(time.GetUtcNow());
                }
            }

            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class Listener : IPublishListener
    {
        public void Changed(string resourceKey)
        {
        }
    }
}
