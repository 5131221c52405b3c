using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Status;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Status;

public sealed class AckTallyTests : IDisposable
{
    private const string Service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {ports: [{port: 80}]}";
    private const string Authorization = "apiVersion: meshlite.dev/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec: {action: Deny}";

    private static readonly ResourceKey Route = new(ResourceKind.TrafficRoute, "shop", "orders");

    private readonly Publisher _publisher = new();
    private readonly AckTally _tally;
    private readonly TallyReader _reader;
    private readonly Listener[] _sidecars = [new(), new(), new()];
    private IndexView _view = IndexView.Empty;
    private int _woken;

    public AckTallyTests()
    {
        _tally = new AckTally(_publisher);
        Apply(Service);
        _reader = new TallyReader(_tally, () => _woken++);
        _reader.Take();
    }

    public void Dispose() => _reader.Dispose();

    [Fact]
    public void Count_CallersAcknowledge_CountsThemOnceWhateverTheyHold()
    {
        var (orders, full) = (Watch("orders", 0, 1), Watch("orders.shop", 0));
        Watch("stock", 2);
        Apply(RouteTo("/a"));

        Counts(Route).ShouldBe("0/2");
        Ack(orders, 0, 1);
        Counts(Route).ShouldBe("1/2");
        Ack(full, 0);
        Counts(Route).ShouldBe("2/2");
    }

    [Fact]
    public void Count_OlderVersionAcknowledged_SaysNothing()
    {
        var orders = Watch("orders", 0);
        Ack(orders, 0);
        Apply(RouteTo("/a"));
        var older = orders.Current.Version;
        Apply(RouteTo("/b"));

        orders.Acks!.Acked(_sidecars[0], older);

        Counts(Route).ShouldBe("0/1");
    }

    [Fact]
    public void Count_Refused_ReasonUntilTheNextVersion()
    {
        var orders = Watch("orders", 0);
        Apply(RouteTo("/a"));

        orders.Acks!.Refused(_sidecars[0], orders.Current.Version, "no such thing");

        var tally = _tally.Count(Route)!;
        (tally.Current, tally.Refused, tally.Reason).ShouldBe((0, 1, "no such thing"));
        Apply(RouteTo("/b"));
        _tally.Count(Route)!.Refused.ShouldBe(0);
    }

    [Fact]
    public void Count_WatcherGone_CountsNoLonger()
    {
        Apply(RouteTo("/a"));
        var orders = Watch("orders", 0, 1);
        Ack(orders, 0);

        _publisher.Unwatch(orders, _sidecars[1]);

        Counts(Route).ShouldBe("1/1");
    }

    [Fact]
    public void Count_ByKind_OnlyWhatItShowsIn()
    {
        Apply(RouteTo("/a"), Authorization, "apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {}");
        Watch("orders", 0);
        _publisher.Watch(new EndpointsKey(new ServiceRef("shop", "orders", 80)), _sidecars[0]);
        _publisher.Watch(new WorkloadPublishKey(new SpiffeId("cluster.local", "shop", "orders"), "orders-1", "orders", ""), _sidecars[1]);
        var mesh = _publisher.Watch(new MeshKey(), _sidecars[0]);

        Counts(Route).ShouldBe("0/1");
        Counts(new(ResourceKind.AuthorizationPolicy, "shop", "a")).ShouldBe("0/1");
        Counts(MeshConfigResource.DefaultKey).ShouldBe("0/1");
        Ack(mesh, 0);
        // Its defaults are in the destination too.
        Counts(MeshConfigResource.DefaultKey).ShouldBe("0/1");
    }

    [Fact]
    public void Take_SomethingAcknowledged_OnlyWhatRestsOnItIsCountedAgain()
    {
        Apply(RouteTo("/a"), RouteTo("/a", "stock"), "apiVersion: v1\nkind: Service\nmetadata: {name: stock, namespace: shop}\nspec: {ports: [{port: 80}]}");
        var orders = Watch("orders", 0);
        Watch("stock", 1);
        _reader.Take().Select(t => t.Key.Name).ShouldBe(["orders", "stock"], ignoreOrder: true);
        _woken = 0;

        Ack(orders, 0);

        _woken.ShouldBe(1);
        var tally = _reader.Take().ShouldHaveSingleItem();
        (tally.Key, tally.Current, tally.Sidecars).ShouldBe((Route, 1, 1));
        _reader.Take().ShouldBeEmpty();
    }

    [Fact]
    public void Take_EndpointsChange_IsNobodysRollout()
    {
        Apply(RouteTo("/a"));
        Ack(Watch("orders", 0), 0);
        _publisher.Watch(new EndpointsKey(new ServiceRef("shop", "orders", 80)), _sidecars[0]);
        _reader.Take();
        _woken = 0;

        var touched = new HashSet<IndexKey> { IndexKey.Workloads(new("shop", "orders")) };
        _publisher.Apply(new IndexUpdate(_view, touched, 0));

        _woken.ShouldBe(0);
        _reader.Take().ShouldBeEmpty();
    }

    [Fact]
    public void Take_NewGenerationThatCompilesToTheSame_IsTold()
    {
        Apply(RouteTo("/a"));
        Ack(Watch("orders", 0), 0);
        _reader.Take();

        var route = (TrafficRouteResource)_view.Resources[Route] with { Generation = 7 };
        Apply(new ResourceChange(Route, route, 0));

        var tally = _reader.Take().ShouldHaveSingleItem();
        (tally.Generation, tally.Current, tally.Sidecars).ShouldBe((7, 1, 1));
    }

    private static string RouteTo(string path, string service = "orders") => $$$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: {{{service}}}, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: {{{service}}} }]
          rules:
          - matches:
            - path: {type: PathPrefix, value: {{{path}}} }
            backendRefs: [{name: {{{service}}} }]
        """;

    private string Counts(ResourceKey key) => _tally.Count(key) is { } tally ? $"{tally.Current}/{tally.Sidecars}" : "none";

    private PublishEntry Watch(string authority, params int[] sidecars) => sidecars.Select(i => _publisher.Watch(DestinationKey.Of(authority, "shop"), _sidecars[i])).ToList()[0];

    private void Ack(PublishEntry entry, params int[] sidecars)
    {
        foreach (var i in sidecars)
        {
            entry.Acks!.Acked(_sidecars[i], entry.Current.Version);
        }
    }

    private void Apply(params string[] documents) => Apply([.. documents.SelectMany(d => MeshCase.Parse(d).Changes)]);

    private void Apply(params IndexChange[] changes)
    {
        var touched = new HashSet<IndexKey>();
        _view = changes.Aggregate(_view, (view, change) => IndexReducer.Apply(view, change, touched));
        _publisher.Apply(new IndexUpdate(_view, touched, 0));
    }

    private sealed class Listener : IPublishListener
    {
        public void Changed(string resourceKey)
        {
        }
    }
}
