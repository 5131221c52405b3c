using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources.Kubernetes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Sources.Kubernetes;

public sealed class OwnKindSinkTests : IDisposable
{
    private static readonly ResourceKey Orders = new(ResourceKind.TrafficPolicy, "shop", "orders");

    private readonly ManualTimeProvider _time = new();
    private readonly MeshIndex _index = new();
    private readonly MetricRegistry _registry;
    private readonly RecordingLogger<KubernetesSource> _log = new();
    private readonly List<string> _waiting = [];
    private readonly SyncGate _gate;
    private readonly OwnKindSink _sink;
    private IndexView _view = IndexView.Empty;

    public OwnKindSinkTests()
    {
        _registry = new MetricRegistry(_time);
        _gate = new SyncGate(["TrafficPolicy"], _index, _time, _waiting.Add);
        _sink = new OwnKindSink(ResourceKind.TrafficPolicy, _index, _gate, _time, new ControlPlaneMetrics(_registry), _log);
    }

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Upserted_Good_IsInForceWithAgeAndGeneration()
    {
        _sink.Upserted(Policy("u1", 3, "2s"));

        var policy = Take().Resources[Orders].ShouldBeOfType<TrafficPolicyResource>();
        policy.ConnectTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        policy.Generation.ShouldBe(3);
        policy.Origin.ShouldBe(ResourceOrigin.InCluster(DateTimeOffset.Parse("2026-01-02T03:04:05Z")));
    }

    [Fact]
    public void Upserted_BadAfterGood_LastGoodStaysAndTheRefusalIsKept()
    {
        _sink.Upserted(Policy("u1", 1, "2s"));
        _sink.Upserted(Policy("u1", 2, "never"));

        Take().Resources[Orders].ShouldBeOfType<TrafficPolicyResource>().ConnectTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        var refusal = _view.Refusals[Orders];
        refusal.Generation.ShouldBe(2);
        refusal.Errors.ShouldHaveSingleItem().Field.ShouldBe("spec.timeouts.connect");
        _log.Lines.ShouldContain(line => line.Contains("Refused: TrafficPolicy shop/orders: spec.timeouts.connect"));

        _sink.Upserted(Policy("u1", 3, "3s"));
        Take().Refusals.ShouldBeEmpty();
        _view.Resources[Orders].Generation.ShouldBe(3);
    }

    [Fact]
    public void Upserted_BadFromTheStart_OnlyTheRefusal()
    {
        _sink.Upserted(Policy("u1", 1, "never"));

        Take().Resources.ShouldBeEmpty();
        _view.Refusals.ShouldContainKey(Orders);

        _sink.Deleted(new ObjectKey("shop", "orders"));
        Take().Refusals.ShouldBeEmpty();
    }

    [Fact]
    public void Upserted_OnlyTheStatusIsOther_NothingIsPosted()
    {
        _sink.Upserted(Policy("u1", 1, "2s"));
        Take();

        _sink.Upserted(Policy("u1", 1, "2s"));

        _index.TryTake(out _).ShouldBeFalse();
    }

    [Fact]
    public void Upserted_BadObjectInThePlaceOfAnother_TheOtherIsGone()
    {
        _sink.Upserted(Policy("u1", 1, "2s"));
        _sink.Upserted(Policy("u2", 1, "never"));

        Take().Resources.ShouldBeEmpty();
        _view.Refusals.ShouldContainKey(Orders);
    }

    [Fact]
    public void Deleted_AfterBad_NothingIsLeft()
    {
        _sink.Upserted(Policy("u1", 1, "2s"));
        _sink.Upserted(Policy("u1", 2, "never"));

        _sink.Deleted(new ObjectKey("shop", "orders"));

        Take().Resources.ShouldBeEmpty();
        _view.Refusals.ShouldBeEmpty();
    }

    [Fact]
    public void Replaced_TheLastKind_OpensTheGateAfterItsObjects()
    {
        _gate.Begin();
        _sink.Replaced([Policy("u1", 1, "2s")]);

        Take().IsSynced.ShouldBeTrue();
        _view.Resources.ShouldContainKey(Orders);
        _waiting.ShouldBe(["waiting for the API server to list TrafficPolicy"]);
    }

    [Fact]
    public void Replaced_MeshConfigThatWasNeverGood_GateStaysShutUntilItIs()
    {
        var gate = new SyncGate(["MeshConfig"], _index, _time, _waiting.Add);
        var sink = new OwnKindSink(ResourceKind.MeshConfig, _index, gate, _time, new ControlPlaneMetrics(new MetricRegistry(_time)), _log);

        sink.Replaced([Mesh(1, "nonsense: 1")]);
        Take().IsSynced.ShouldBeFalse();
        _waiting[^1].ShouldBe("the MeshConfig 'default' is refused, and no earlier one is known");

        sink.Upserted(Mesh(2, "trustDomain: one.example"));
        Take().IsSynced.ShouldBeTrue();
        _view.TrustDomain.ShouldBe("one.example");
    }

    [Fact]
    public void OwnKinds_AreAllThatCanBeRead() =>
        KubernetesSource.OwnKinds.Select(k => k.Kind).Append(ResourceKind.Service).ShouldBe(Enum.GetValues<ResourceKind>(), ignoreOrder: true);

    private IndexView Take()
    {
        while (_index.TryTake(out var change))
        {
            _view = IndexReducer.Apply(_view, change, new HashSet<IndexKey>());
        }

        return _view;
    }

    private static RawObject Policy(string uid, int generation, string connect) => RawObject.Parse($$"""
        {"apiVersion": "meshlite.dev/v1alpha1", "kind": "TrafficPolicy",
         "metadata": {"name": "orders", "namespace": "shop", "uid": "{{uid}}", "generation": {{generation}}, "creationTimestamp": "2026-01-02T03:04:05Z"},
         "spec": {"targetRef": {"kind": "Service", "name": "orders"}, "timeouts": {"connect": "{{connect}}"} } }
        """);

    private static RawObject Mesh(int generation, string field) => RawObject.Parse($$"""
        {"apiVersion": "meshlite.dev/v1alpha1", "kind": "MeshConfig", "metadata": {"name": "default", "uid": "m", "generation": {{generation}}},
         "spec": {"{{field.Split(": ")[0]}}": "{{field.Split(": ")[1]}}"} }
        """);
}
