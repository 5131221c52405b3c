using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using Resource = MeshLite.Protocol.V1.Resource;
using RouteRule = MeshLite.ControlPlane.Resources.RouteRule;

namespace MeshLite.ControlPlane.Tests.Streaming;

/// <summary>Publisher and stream state against a client that applies what it is sent, without sockets and threads.</summary>
public sealed class StreamStateTests
{
    private static readonly string[] Authorities = ["a", "a:81", "b", "b.shop", "c", "c.shop.svc", "elsewhere.org", "10.0.0.1:80"];

    /// <summary>
    /// Whatever changes, in whatever order it is subscribed, sent late, refused or asked for again: once all is sent, the client
    /// holds exactly what a compiler makes of the last view, and on the way it never went back to an older route.
    /// </summary>
    [Fact]
    public void Take_AnyHistoryAndASlowReader_EndsAtTheFinalState() =>
        Prop.ForAll(
            (from steps in Gen.Choose(0, 9999).ArrayOf() select steps).ToArbitrary(),
            steps =>
            {
                using var run = new Run();
                foreach (var step in steps)
                {
                    run.Step(step % 12, step / 12);
                }

                run.Drain();
                run.ShouldHoldTheFinalState();
                return true;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(200));

    [Fact]
    public void Take_MoreThanOneUpdateHolds_CutAndContinued()
    {
        using var run = new Run();
        // 12,000 workloads with long labels: more than one Update, in endpoint sets of several services.
        foreach (var service in (string[])["a", "b", "c"])
        {
            for (var i = 0; i < 4000; i++)
            {
                run.Apply(Workload($"{service}{i}", service, i + 1, new string('x', 60)));
            }
        }

        run.State.Subscribe(["a", "b", "c"]);
        var sizes = run.Drain();

        sizes.Count.ShouldBeGreaterThan(1);
        sizes.ShouldAllBe(s => s < StreamLimits.UpdateBytes + 512 * 1024);
        run.ShouldHoldTheFinalState("a", "b", "c");
    }

    [Fact]
    public void Take_HeldFromEarlier_OnlyTheDifferenceIsSent()
    {
        using var first = new Run();
        first.Apply(Workload("a1", "a", 1));
        first.State.Subscribe(["a", "b"]);
        first.Drain();

        using var second = new Run();
        second.Apply(Workload("a1", "a", 1));
        second.State.Subscribe(["a"]);
        second.State.SetHeld(first.Held.Values.Select(r => new ResourceVersion { Key = r.Key, Version = r.Version }));
        second.Held = first.Held;
        var batch = second.State.Take();

        batch.Resources.Select(r => Resource.Parser.ParseFrom(r)).Select(r => $"{r.Key} {r.BodyCase}").ShouldBe(["destination/b Absent"]);
        second.ApplyBatch(batch);
        second.ShouldHoldTheFinalState("a");
    }

    [Fact]
    public void Take_EndpointsChange_DeltaOnlyWhereSmaller()
    {
        using var run = new Run();
        for (var i = 1; i <= 20; i++)
        {
            run.Apply(Workload($"a{i}", "a", i));
        }

        run.State.Subscribe(["a"]);
        run.Drain();

        run.Apply(Workload("a20", null, 20));
        Single(run).EndpointsDelta.Removed.ShouldBe(["127.0.0.1:20"]);

        for (var i = 2; i < 20; i++)
        {
            run.Apply(Workload($"a{i}", null, i));
        }

        Single(run).BodyCase.ShouldBe(Resource.BodyOneofCase.Endpoints);

        static Resource Single(Run run)
        {
            run.State.Changed(run.Mailbox.TakeChanged());
            var batch = run.State.Take();
            run.ApplyBatch(batch);
            return Resource.Parser.ParseFrom(batch.Resources.ShouldHaveSingleItem());
        }
    }

    [Fact]
    public void Take_RefusedThenChangedAndChangedBack_NoDeltaToWhatWasRefused()
    {
        using var run = new Run();
        run.Apply(Workload("a1", "a", 1));
        run.State.Subscribe(["a"]);
        run.Drain();
        run.Apply(Workload("a2", "a", 2));
        run.State.Changed(run.Mailbox.TakeChanged());
        run.ApplyBatch(run.State.Take(), refuse: true);

        // Another version comes and goes before anything is sent.
        run.Apply(Workload("a3", "a", 3));
        run.Apply(Workload("a3", null, 3));
        run.State.Changed(run.Mailbox.TakeChanged());
        run.State.Take().Resources.ShouldBeEmpty();
        run.Apply(Workload("a4", "a", 4));
        run.State.Changed(run.Mailbox.TakeChanged());

        Resource.Parser.ParseFrom(run.State.Take().Resources.ShouldHaveSingleItem()).Endpoints.ShouldNotBeNull();
    }

    [Fact]
    public void Take_ChangedAndChangedBack_NothingIsSent()
    {
        using var run = new Run();
        run.Apply(Workload("a1", "a", 1));
        run.State.Subscribe(["a"]);
        run.Drain();

        run.Apply(Workload("a2", "a", 2));
        run.Apply(Workload("a2", null, 2));
        run.State.Changed(run.Mailbox.TakeChanged());

        run.State.Take().Resources.ShouldBeEmpty();
    }

    [Fact]
    public void Take_TwoStreams_ShareWhatIsEncoded()
    {
        using var run = new Run();
        run.Apply(Workload("a1", "a", 1));
        using var other = run.Another();
        run.State.Subscribe(["a"]);
        other.Subscribe(["a"]);

        var mine = run.State.Take().Resources;
        var theirs = other.Take().Resources;

        mine.Count.ShouldBe(4);
        mine.Zip(theirs).ShouldAllBe(pair => ReferenceEquals(pair.First, pair.Second));
    }

    [Fact]
    public void Subscribe_BeyondTheLimits_ClearStatus()
    {
        using var run = new Run();
        run.State.Subscribe(Enumerable.Range(0, StreamLimits.MaxAuthorities).Select(i => $"s{i}"));

        Should.Throw<GrpcException>(() => run.State.Subscribe(["one-more"])).Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
        Should.NotThrow(() => run.State.Subscribe(["s1"]));
        run.State.Unsubscribe(["s1", "never"]);
        Should.NotThrow(() => run.State.Subscribe(["one-more"]));
        foreach (var bad in (string[])["", "a b", "a\n", "ü", new string('a', 263)])
        {
            using var fresh = new Run();
            Should.Throw<GrpcException>(() => fresh.State.Subscribe([bad])).Code.ShouldBe(GrpcStatusCode.InvalidArgument);
        }
    }

    [Fact]
    public void Dispose_LastWatcher_PublisherForgetsEverything()
    {
        var run = new Run();
        run.Apply(Workload("a1", "a", 1));
        run.State.Subscribe(Authorities);
        run.Drain();
        run.Publisher.Count.ShouldBeGreaterThan(5);

        run.Dispose();

        run.Publisher.Count.ShouldBe(0);
    }

    internal static WorkloadChange Workload(string name, string? service, int port, string label = "v1")
    {
        var key = new WorkloadKey("shop", "sa", name);
        return new WorkloadChange(key, service is null ? null : new WorkloadRegistration
        {
            Key = key,
            Service = service,
            Address = new(System.Net.IPAddress.Loopback, port),
            AppPort = 80,
            Ready = true,
            Labels = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("version", label),
        }, 0);
    }

    private sealed class Run : IDisposable
    {
        private static readonly MeshKey Mesh = new();
        private static readonly WorkloadPublishKey Me = new(new SpiffeId("cluster.local", "shop", "me"), "me-1", "", "", 0);

        private readonly HashSet<string> _subscribed = [];
        private readonly Dictionary<string, int> _newestRoute = [];
        private IndexView _view = IndexView.Empty;
        private int _counter;

        public Run()
        {
            Apply(new Synced(0));
            State = new StreamState(Publisher, Mailbox, Mesh, Me);
        }

        public Publisher Publisher { get; } = new();

        public Mailbox Mailbox { get; } = new();

        public StreamState State { get; }

        public Dictionary<string, Resource> Held { get; set; } = new(StringComparer.Ordinal);

        public StreamState Another() => new(Publisher, new Mailbox(), Mesh, Me);

        public void Step(int kind, int value)
        {
            var name = "abc"[value % 3].ToString();
            var authority = Authorities[value % Authorities.Length];
            switch (kind)
            {
                case 0: Apply(Workload($"{name}{value % 4}", name, 1 + (value % 4))); break;
                case 1: Apply(Workload($"{name}{value % 4}", null, 0)); break;
                case 2: Apply(Route(name, "abc"[value / 3 % 3].ToString())); break;
                case 3: Apply(new ResourceChange(Key(ResourceKind.TrafficRoute, name), null, 0)); break;
                case 4: Apply(Service(name, value % 2 == 0 ? 80 : 81)); break;
                case 5: Apply(new ResourceChange(Key(ResourceKind.Service, name), null, 0)); break;
                case 6 or 7: State.Subscribe([authority]); _subscribed.Add(authority); break;
                case 8: State.Unsubscribe([authority]); _subscribed.Remove(authority); break;
                case 9: State.Resync(Held.Keys.Where((_, i) => i % 3 == value % 3).Append("endpoints/shop/x:1")); break;
                case 10: State.Changed(Mailbox.TakeChanged()); break;
                default:
                    // Without it: the publisher is ahead of what the stream has been told.
                    if (value % 2 == 0)
                    {
                        State.Changed(Mailbox.TakeChanged());
                    }

                    ApplyBatch(State.Take(), refuse: value % 5 == 0);
                    break;
            }
        }

        public void Apply(IndexChange change)
        {
            var touched = new HashSet<IndexKey>();
            _view = IndexReducer.Apply(_view, change, touched);
            Publisher.Apply(new IndexUpdate(_view, touched, 0));
        }

        public List<int> Drain()
        {
            var sizes = new List<int>();
            while (true)
            {
                State.Changed(Mailbox.TakeChanged());
                var batch = State.Take();
                if (batch.Resources.Count == 0)
                {
                    // What was refused and not asked for again is repaired by the inventory.
                    var differing = State.Inventory().Where(v => Held.GetValueOrDefault(v.Key)?.Version != v.Version).Select(v => v.Key)
                        .Concat(Held.Keys.Except(State.Inventory().Select(v => v.Key))).ToList();
                    if (differing.Count == 0)
                    {
                        State.HasWork.ShouldBeFalse();
                        return sizes;
                    }

                    State.Resync(differing);
                    continue;
                }

                sizes.Add(batch.Resources.Sum(r => r.Length));
                ApplyBatch(batch);
            }
        }

        public void ApplyBatch(UpdateBatch batch, bool refuse = false)
        {
            foreach (var resource in batch.Resources.Select(r => Resource.Parser.ParseFrom(r)))
            {
                if (refuse && resource.BodyCase is Resource.BodyOneofCase.Endpoints or Resource.BodyOneofCase.EndpointsDelta && Held.ContainsKey(resource.Key))
                {
                    State.Rejected(resource.Key, resource.Version);
                    continue;
                }

                ApplyOne(resource);
            }
        }

        public void ShouldHoldTheFinalState() => ShouldHoldTheFinalState([.. _subscribed]);

        public void ShouldHoldTheFinalState(params string[] subscribed)
        {
            var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
            Expect(Mesh);
            Expect(Me);
            foreach (var authority in subscribed)
            {
                foreach (var service in Expect(DestinationKey.Of(authority, "shop")))
                {
                    Expect(new EndpointsKey(service));
                }
            }

            Held.ToDictionary(r => r.Key, r => r.Value.Version).ShouldBe(expected, ignoreOrder: true);

            IEnumerable<Model.ServiceRef> Expect(PublishKey key)
            {
                var resource = new PublishedResource(key.ResourceKey, key.Compile(_view), 0);
                expected[key.ResourceKey] = resource.Version;
                return resource.EndpointSets;
            }
        }

        public void Dispose() => State.Dispose();

        private void ApplyOne(Resource resource)
        {
            if (resource.BodyCase == Resource.BodyOneofCase.Absent)
            {
                Held.Remove(resource.Key);
                return;
            }

            if (resource.EndpointsDelta is { } delta)
            {
                Held[resource.Key].Version.ShouldBe(delta.BaseVersion);
                resource = new Resource { Key = resource.Key, Version = resource.Version, Endpoints = EndpointDeltas.Apply(Held[resource.Key].Endpoints, delta) };
            }

            foreach (var backend in resource.Destination?.Backends.Where(b => !b.Missing) ?? [])
            {
                Held.ShouldContainKey(ResourceKeys.Endpoints(new(backend.Service.Namespace, backend.Service.Name, (int)backend.Service.Port)));
            }

            ContentHash.Of(resource).ShouldBe(resource.Version);
            ShouldNotBeOlder(resource);
            Held[resource.Key] = resource;
        }

        // Routes are numbered as they change.
        private void ShouldNotBeOlder(Resource resource)
        {
            foreach (var rule in resource.Destination?.Rules.Where(r => r.Name.Contains("/n")) ?? [])
            {
                var number = int.Parse(rule.Name[(rule.Name.IndexOf("/n", StringComparison.Ordinal) + 2)..]);
                var key = resource.Key + rule.Name[0];
                number.ShouldBeGreaterThanOrEqualTo(_newestRoute.GetValueOrDefault(key));
                _newestRoute[key] = number;
            }
        }

        private ResourceChange Route(string parent, string backend)
        {
            var key = Key(ResourceKind.TrafficRoute, parent);
            return new ResourceChange(key, new TrafficRouteResource
            {
                Key = key,
                Origin = default,
                Parents = [new RouteParent(parent, null)],
                Rules = [new RouteRule { Name = $"n{++_counter}", Matches = [new()], Backends = [new BackendRef { Name = backend }] }],
            }, 0);
        }

        private static ResourceChange Service(string name, int port)
        {
            var key = Key(ResourceKind.Service, name);
            return new ResourceChange(key, new ServiceResource { Key = key, Origin = default, Ports = [new("", port, null, default)] }, 0);
        }

        private static ResourceKey Key(ResourceKind kind, string name) => new(kind, "shop", name);
    }
}
