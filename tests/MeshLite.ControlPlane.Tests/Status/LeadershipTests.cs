using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Status;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Leadership;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.ControlPlane.Tests.Status;

/// <summary>Two replicas that both have something to write all the time, one of them cut off and let back: who wrote, and when, on manual time.</summary>
public sealed class LeadershipTests : IAsyncDisposable
{
    private static readonly ResourceKey Key = new(ResourceKind.TrafficPolicy, "shop", "p");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly ManualTimeProvider _time = new();
    private readonly FakeApiServer _api;
    private readonly List<(Side Who, DateTimeOffset At)> _writes = [];
    private readonly Side[] _sides;

    public LeadershipTests()
    {
        _api = FakeApiServer.InProcess(_time);
        _api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
        _api.Put("{apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: p, namespace: shop}, spec: {targetRef: {kind: Service, name: orders}}}");
        _sides = [new Side(_api, _time, _writes, 1), new Side(_api, _time, _writes, 2)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var side in _sides)
        {
            await side.DisposeAsync();
        }

        await _api.DisposeAsync();
    }

    [Fact]
    public async Task Lead_LeaderCutOffAndBack_AtNoTimeDoTwoWrite()
    {
        await UntilAsync(() => Count(_sides[0]) + Count(_sides[1]) >= 3, "somebody writes");
        var first = Writes()[0].Who;
        var other = _sides.Single(s => s != first);
        Writes().ShouldAllBe(w => w.Who == first);

        first.IsCut = true;
        await UntilAsync(() => Count(other) >= 1, "the other writes");
        var (began, ended) = (Writes().First(w => w.Who == other).At, Writes().Last(w => w.Who == first).At);
        first.IsCut = false;
        await UntilAsync(() => Count(other) >= 4, "the other goes on");

        // Tries count too, whether they arrived or not.
        Writes().SkipWhile(w => w.Who == first).ShouldAllBe(w => w.Who == other);
        ended.ShouldBeLessThan(began);
    }

    [Fact]
    public async Task Lead_LeaderStops_TheOtherWritesWithoutWaitingForTheLeaseToEnd()
    {
        await UntilAsync(() => Count(_sides[0]) + Count(_sides[1]) >= 2, "somebody writes");
        var first = Writes()[0].Who;
        var other = _sides.Single(s => s != first);

        var stopping = first.StopAsync();
        await UntilAsync(() => stopping.IsCompleted, "the leader has stopped");
        await UntilAsync(() => Count(other) >= 2, "the other writes");

        Writes().SkipWhile(w => w.Who == first).ShouldAllBe(w => w.Who == other);
        ((string?)_api.Find(ResourceTypes.Leases, Side.Lease)!["spec"]!["holderIdentity"]).ShouldBe(other.Identity);
    }

    private (Side Who, DateTimeOffset At)[] Writes()
    {
        lock (_writes)
        {
            return [.. _writes];
        }
    }

    private int Count(Side side) => Writes().Count(w => w.Who == side);

    private Task UntilAsync(Func<bool> condition, string what)
    {
        var step = 0;
        return Eventually.TrueAsync(
            () =>
            {
                // Each second of the clock something else is to be said; both see what is stored.
                Array.ForEach(_sides, s => s.Change(step % 100 < 50));
                step++;
                _time.Advance(TimeSpan.FromMilliseconds(20));
                return condition();
            },
            what, Patience);
    }

    /// <summary>A replica: an elector, a writer, one sidecar, and a way to the API server that can be cut.</summary>
    private sealed class Side : IAsyncDisposable
    {
        private readonly FakeApiServer _api;
        private readonly KubernetesClient _client;
        private readonly Publisher _publisher = new();
        private readonly StoredObjects _stored = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly Listener _sidecar = new();
        private readonly PublishEntry _entry;
        private readonly LeaderElector _elector;
        private readonly Task _running;
        private volatile bool _isCut;

        public Side(FakeApiServer api, ManualTimeProvider time, List<(Side Who, DateTimeOffset At)> writes, int seed)
        {
            _api = api;
            _client = api.CreateClient(time, handler => new Way(handler, this, time, writes));
            var log = new RecordingLogger<StatusWriter>();
            _elector = new LeaderElector(_client, new LeaderElectionOptions { Lease = Lease, Identity = $"replica-{seed}" }, time, new Random(seed), log);
            var writer = new StatusWriter(
                _client, _publisher, new AckTally(_publisher), _stored, wake => new ReplicaPeers("meshlite-system", "me", () => new(), wake, time, log),
                new StatusEvents(_client, "me", time, log), () => _elector.IsLeader, time, log);
            See();
            var item = _stored.Find(Key)!;
            var policy = new TrafficPolicyResource { Key = Key, Origin = ResourceOrigin.InCluster(item.CreatedAt), Generation = item.Generation, Target = "orders" };
            var view = MeshCase.Parse("apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {ports: [{port: 80}]}").Changes.Append(new ResourceChange(Key, policy, 0))
                .Aggregate(IndexView.Empty, (v, change) => IndexReducer.Apply(v, change, new HashSet<IndexKey>()));
            _publisher.Apply(new IndexUpdate(view, new HashSet<IndexKey> { IndexKey.Service(new("shop", "orders")) }, 0));
            _entry = _publisher.Watch(DestinationKey.Of("orders", "shop"), _sidecar);
            _running = _elector.RunAsync(writer.LeadAsync, _stop.Token);
        }

        public static ObjectKey Lease { get; } = new("meshlite-system", "lease");

        public string Identity => _elector.Identity;

        public bool IsCut
        {
            get => _isCut;
            set => _isCut = value;
        }

        /// <summary>What is to be said changes; and the watch shows what is stored, unless it is cut.</summary>
        public void Change(bool isAcked)
        {
            if (!_isCut)
            {
                See();
            }

            if (isAcked)
            {
                _entry.Acks!.Acked(_sidecar, _entry.Current.Version);
            }
            else
            {
                _entry.Acks!.Began(_sidecar);
            }
        }

        public Task StopAsync()
        {
            _stop.Cancel();
            return _running;
        }

        public async ValueTask DisposeAsync()
        {
            _isCut = false;
            await _stop.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _client.Dispose();
            _stop.Dispose();
        }

        private void See() => _stored.Put(StoredObject.Of(Key, RawObject.Parse(_api.Find(OwnTypes.Of(Key.Kind), OwnTypes.KeyOf(Key))!.ToJsonString())));

        private sealed class Listener : IPublishListener
        {
            public void Changed(string resourceKey)
            {
            }
        }

        private sealed class Way(HttpMessageHandler inner, Side side, TimeProvider time, List<(Side Who, DateTimeOffset At)> writes) : DelegatingHandler(inner)
        {
            protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                if (request.Method == HttpMethod.Patch)
                {
                    lock (writes)
                    {
                        writes.Add((side, time.GetUtcNow()));
                    }
                }

                if (side.IsCut)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
                }

                return await base.SendAsync(request, cancellationToken);
            }
        }
    }
}
