using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.Model;
using Resource = MeshLite.Protocol.V1.Resource;

namespace MeshLite.ControlPlane.Tests.Publish;

public sealed class PublisherTests
{
    private const string Policy = """
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: p, namespace: shop}
        spec: {targetRef: {kind: Service, name: orders}, concurrency: {inboundMaxRequests: 7}}
        """;

    private readonly Publisher _publisher = new();
    private readonly Listener _listener = new();
    private IndexView _view = IndexView.Empty;

    [Theory]
    [InlineData("orders", 7u)]
    [InlineData("stock", 0u)]
    public void Apply_PolicyOfAWorkloadsService_ItsOwnWorkloadsAreTold(string service, uint maxRequests)
    {
        var entry = _publisher.Watch(new WorkloadPublishKey(new SpiffeId("cluster.local", "shop", "x"), "x-1", service, "", 8080), _listener);

        Apply(Policy);

        _listener.Keys.ShouldBe(maxRequests > 0 ? ["workload"] : []);
        Resource.Parser.ParseFrom(entry.Current.Encoded).Workload.MaxRequests.ShouldBe(maxRequests);
    }

    [Fact]
    public void Apply_PolicyGone_WorkloadIsBackAtTheDefault()
    {
        var entry = _publisher.Watch(new WorkloadPublishKey(new SpiffeId("cluster.local", "shop", "x"), "x-1", "orders", "", 8080), _listener);
        var before = entry.Current.Version;
        Apply(Policy);

        Apply(new ResourceChange(new ResourceKey(ResourceKind.TrafficPolicy, "shop", "p"), null, 0));

        _listener.Keys.ShouldBe(["workload", "workload"]);
        entry.Current.Version.ShouldBe(before);
    }

    [Fact]
    public void Apply_DefaultsOfTheMesh_DestinationsAreTold()
    {
        Apply("apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {ports: [{port: 80}]}");
        var entry = _publisher.Watch(DestinationKey.Of("orders", "shop"), _listener);

        Apply("apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {retry: {attempts: 1}, timeouts: {request: 3s}}");

        _listener.Keys.ShouldBe(["destination/orders"]);
        var rule = Resource.Parser.ParseFrom(entry.Current.Encoded).Destination.Rules.ShouldHaveSingleItem();
        rule.Retry.Attempts.ShouldBe(1u);
        rule.RequestTimeout.Seconds.ShouldBe(3);
    }

    private void Apply(string yaml) => Apply([.. MeshCase.Parse(yaml).Changes]);

    private void Apply(params IndexChange[] changes)
    {
        var touched = new HashSet<IndexKey>();
        _view = changes.Aggregate(_view, (view, change) => IndexReducer.Apply(view, change, touched));
        _publisher.Apply(new IndexUpdate(_view, touched, 0));
    }

    private sealed class Listener : IPublishListener
    {
        public List<string> Keys { get; } = [];

        public void Changed(string resourceKey) => Keys.Add(resourceKey);
    }
}
