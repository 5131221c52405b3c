using System.Net;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;

namespace MeshLite.ControlPlane.Tests.Index;

public sealed class IndexReducerTests
{
    private static readonly Gen<IndexChange> Changes = Gen.OneOf(
        from name in Gen.Elements("a", "b") from present in Gen.Elements(true, false) from address in Gen.Elements(null, "10.96.0.1", "10.96.0.2") select Service(name, present, address),
        from name in Gen.Elements("r1", "r2") from parents in Gen.SubListOf("a", "b") select Route(name, parents),
        from name in Gen.Elements("p1", "p2") from target in Gen.Elements("a", "b", null) select Policy(name, target),
        from name in Gen.Elements("w1", "w2") from service in Gen.Elements("a", "b", null) from port in Gen.Choose(1, 2)
        from address in Gen.Elements("10.0.0.1", "10.0.0.2") select Workload(name, service, port, address));

    [Fact]
    public void Apply_AnyHistory_SameViewAsFromItsOutcome() =>
        Prop.ForAll(Changes.ArrayOf().ToArbitrary(), changes =>
        {
            var lived = Apply(changes);
            var outcome = changes.GroupBy(c => c is ResourceChange r ? (object)r.Key : ((WorkloadChange)c).Key).Select(g => g.Last());
            var fresh = Apply(outcome);
            return Describe(lived) == Describe(fresh);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Apply_Vanished_StaysKnown()
    {
        var touched = new HashSet<IndexKey>();
        var view = IndexReducer.Apply(IndexView.Empty, Workload("w1", "a", 1), touched);
        touched.ShouldBe(
            [IndexKey.Service(new("shop", "a")), IndexKey.Workloads(new("shop", "a")), IndexKey.OfNamespace("shop"), IndexKey.OfAddress(IPAddress.Loopback)], ignoreOrder: true);

        touched.Clear();
        view = IndexReducer.Apply(view, Workload("w1", null, 1), touched);

        view.Exists(new("shop", "a")).ShouldBeFalse();
        view.Known.ShouldContain(new ServiceKey("shop", "a"));
        touched.ShouldBe([IndexKey.Service(new("shop", "a")), IndexKey.Workloads(new("shop", "a")), IndexKey.OfAddress(IPAddress.Loopback)], ignoreOrder: true);
    }

    [Fact]
    public void Apply_HealthOfAWorkload_TouchesItsEndpointsOnly()
    {
        var view = Apply([Workload("w1", "a", 1)]);
        var touched = new HashSet<IndexKey>();
        var change = (WorkloadChange)Workload("w1", "a", 1);

        IndexReducer.Apply(view, change with { Value = change.Value! with { Ready = false } }, touched);

        touched.ShouldBe([IndexKey.Workloads(new("shop", "a"))]);
    }

    [Fact]
    public void Apply_TrustDomainAfterSync_StaysAsItWas()
    {
        var view = Apply([Mesh("one"), new Synced(0), Mesh("two")]);

        view.TrustDomain.ShouldBe("one");
        view.Mesh.TrustDomain.ShouldBe("two");
    }

    [Fact]
    public void Apply_MoreVanishedServicesThanRemembered_MemoryIsBounded()
    {
        var view = IndexView.Empty;
        for (var i = 0; i < IndexReducer.MaxKnown + 100; i++)
        {
            view = IndexReducer.Apply(view, Service($"s{i}", true), new HashSet<IndexKey>());
            view = IndexReducer.Apply(view, Service($"s{i}", false), new HashSet<IndexKey>());
        }

        view.Known.Count.ShouldBe(IndexReducer.MaxKnown);
    }

    private static IndexView Apply(IEnumerable<IndexChange> changes) =>
        changes.Aggregate(IndexView.Empty, (view, change) => IndexReducer.Apply(view, change, new HashSet<IndexKey>()));

    private static string Describe(IndexView view) => string.Join('\n',
        string.Join(' ', view.Resources.Keys.Order(Comparer<ResourceKey>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString())))),
        Join(view.Routes, routes => string.Join(',', routes.Select(r => r.Key.Name))),
        Join(view.Policies, policies => string.Join(',', policies.Select(p => p.Key.Name))),
        Join(view.Workloads, workloads => string.Join(',', workloads.Select(w => $"{w.Key.Name}@{w.Value.Address}").Order(StringComparer.Ordinal))),
        string.Join(' ', view.WorkloadsAt.Select(a => $"{a.Key}={string.Join(',', a.Value.Select(w => w.Name).Order(StringComparer.Ordinal))}").Order(StringComparer.Ordinal)),
        string.Join(' ', view.ClusterIps.Select(a => $"{a.Key}={string.Join(',', a.Value.Select(s => s.Key.Name))}").Order(StringComparer.Ordinal)),
        string.Join(' ', view.ServiceOf.Select(s => $"{s.Key.Name}={s.Value}").Order(StringComparer.Ordinal)));

    private static string Join<T>(IEnumerable<KeyValuePair<ServiceKey, T>> map, Func<T, string> describe) =>
        string.Join(' ', map.OrderBy(p => p.Key).Select(p => $"{p.Key}:[{describe(p.Value)}]"));

    private static IndexChange Service(string name, bool present, string? clusterIp = null) => Change(new ServiceResource
    {
        Key = new(ResourceKind.Service, "shop", name),
        Origin = new("f.yaml", 0, 1),
        Ports = [new("", 80, null, default)],
        ClusterIps = clusterIp is null ? [] : [IPAddress.Parse(clusterIp)],
    }, present);

    private static IndexChange Route(string name, IEnumerable<string> parents) => Change(new TrafficRouteResource
    {
        Key = new(ResourceKind.TrafficRoute, "shop", name),
        Origin = new("f.yaml", 9 - name[1], 1),
        Parents = [.. parents.Select(p => new RouteParent(p, null))],
        Rules = [],
    }, parents.Any());

    private static IndexChange Policy(string name, string? target) => Change(new TrafficPolicyResource
    {
        Key = new(ResourceKind.TrafficPolicy, "shop", name),
        Origin = new("f.yaml", 9 - name[1], 1),
        Target = target ?? "",
    }, target is not null);

    private static IndexChange Mesh(string trustDomain) => Change(
        new MeshConfigResource { Key = MeshConfigResource.DefaultKey, Origin = default, TrustDomain = trustDomain }, true);

    private static ResourceChange Change(Resource resource, bool present) => new(resource.Key, present ? resource : null, 0);

    private static IndexChange Workload(string name, string? service, int port, string address = "127.0.0.1")
    {
        var key = new WorkloadKey("shop", "sa", name);
        return new WorkloadChange(key, service is null ? null : new WorkloadRegistration
        {
            Key = key,
            Service = service,
            Address = new IPEndPoint(IPAddress.Parse(address), port),
            AppPort = 80,
            // Some have a second address, which is another's first.
            FurtherAddresses = port == 2 ? [IPAddress.Parse("10.0.0.2")] : [],
            Ready = true,
        }, 0);
    }
}
