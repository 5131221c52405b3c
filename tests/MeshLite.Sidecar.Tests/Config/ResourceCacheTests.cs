using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;

namespace MeshLite.Sidecar.Tests.Config;

public sealed class ResourceCacheTests
{
    private readonly RecordingSink _sink = new();
    private readonly ResourceCache _cache;

    public ResourceCacheTests() => _cache = new(_sink);

    [Fact]
    public void Apply_WholeResources_ReachTheSinkAndAreHeld()
    {
        foreach (var resource in new[] { Resources.Mesh(), Resources.Workload(), Resources.Endpoints("10.0.0.1"), Resources.Destination("orders", DestinationKind.Service) })
        {
            _cache.IsSufficient.ShouldBe(_cache.Snapshot.Count >= 2);
            _cache.Apply(resource).ShouldBe(ApplyResult.Applied);
        }

        _sink.Calls.ShouldBe(["mesh cluster.local", "workload v1", "endpoints shop/orders:80 10.0.0.1", "destination orders Service"]);
        _cache.Held.Select(h => h.Key).ShouldBe(["destination/orders", "endpoints/shop/orders:80", "mesh", "workload"]);
    }

    [Fact]
    public void Apply_FittingDelta_GivesTheNewSet()
    {
        _cache.Apply(Resources.Endpoints("10.0.0.1", "10.0.0.2"));

        _cache.Apply(Resources.Delta(Resources.Set("10.0.0.1", "10.0.0.2"), Resources.Set("10.0.0.2", "10.0.0.3"))).ShouldBe(ApplyResult.Applied);

        _sink.Addresses.ShouldBe(["10.0.0.2", "10.0.0.3"]);
        _cache.Held.ShouldHaveSingleItem().Version.ShouldBe(ContentHash.Of(Resources.Set("10.0.0.2", "10.0.0.3")));
        _cache.Snapshot[Resources.OrdersKey].BodyCase.ShouldBe(Resource.BodyOneofCase.Endpoints, "kept whole");
    }

    [Fact]
    public void Apply_DeltaToAnotherBaseOrNone_NeedsResync()
    {
        var delta = Resources.Delta(Resources.Set("10.0.0.1"), Resources.Set("10.0.0.2"));

        _cache.Apply(delta).ShouldBe(ApplyResult.NeedsResync);
        _cache.Apply(Resources.Endpoints("10.0.0.9"));
        _cache.Apply(delta).ShouldBe(ApplyResult.NeedsResync);

        _sink.Addresses.ShouldBe(["10.0.0.9"]);
    }

    [Fact]
    public void Apply_DeltaWhoseResultHasAnotherHash_NeedsResync()
    {
        _cache.Apply(Resources.Endpoints("10.0.0.1"));
        var delta = Resources.Delta(Resources.Set("10.0.0.1"), Resources.Set("10.0.0.2"));
        delta.EndpointsDelta.Upserted[0].Weight = 7;

        _cache.Apply(delta).ShouldBe(ApplyResult.NeedsResync);

        _sink.Addresses.ShouldBe(["10.0.0.1"]);
    }

    [Fact]
    public void Apply_RefusedBySink_KeepsTheLastGood()
    {
        _cache.Apply(Resources.Destination("orders", DestinationKind.Service));
        _sink.Refuse = "NotInMesh";
        var bad = Resources.Destination("orders", DestinationKind.NotInMesh);

        _cache.Apply(bad).Rejection.ShouldBe("refused: destination orders NotInMesh");

        _cache.Snapshot["destination/orders"].Destination.Kind.ShouldBe(Destination.Types.Kind.Service);
        _cache.Held.ShouldHaveSingleItem().Version.ShouldNotBe(bad.Version);
    }

    [Fact]
    public void Apply_DeltaToASetTheMapperRefuses_KeepsTheLastGood()
    {
        _cache.Apply(Resources.Endpoints("10.0.0.1"));

        _cache.Apply(Resources.Delta(Resources.Set("10.0.0.1"), Resources.Set("nowhere"))).Rejection!.ShouldStartWith("endpoints[0].address");

        _cache.Snapshot[Resources.OrdersKey].Endpoints.ShouldBe(Resources.Set("10.0.0.1"));
    }

    [Fact]
    public void Apply_ContentThatIsNotItsVersion_IsRejected()
    {
        var resource = Resources.Mesh();
        resource.Mesh.TrustDomain = "other";

        _cache.Apply(resource).Rejection!.ShouldContain("hash");

        _sink.Calls.ShouldBeEmpty();
    }

    public static TheoryData<Resource> Nonsense => new()
    {
        new Resource { Key = "mesh" },
        Resources.Versioned(new() { Key = "workload", Mesh = new() { TrustDomain = "a" } }),
        Resources.Versioned(new() { Key = "mesh2", Mesh = new() { TrustDomain = "a" } }),
        Resources.Versioned(new() { Key = "endpoints/shop/orders:80", Destination = new() }),
        Resources.Versioned(new() { Key = "destination/", Destination = new() }),
        Resources.Absent("mesh"),
        Resources.Absent("workload"),
        Resources.Absent("something"),
    };

    [Theory]
    [MemberData(nameof(Nonsense))]
    public void Apply_Nonsense_IsRejected(Resource resource)
    {
        _cache.Apply(Resources.Mesh());
        _cache.Apply(Resources.Workload());

        _cache.Apply(resource).Rejection.ShouldNotBeNull();

        _cache.IsSufficient.ShouldBeTrue();
        _sink.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public void Apply_Absent_RemovesItEverywhere()
    {
        _cache.Apply(Resources.Destination("orders"));
        _cache.Apply(Resources.Endpoints("10.0.0.1"));

        _cache.Apply(Resources.Absent("destination/orders")).ShouldBe(ApplyResult.Applied);
        _cache.Apply(Resources.Absent(Resources.OrdersKey)).ShouldBe(ApplyResult.Applied);

        _cache.Snapshot.ShouldBeEmpty();
        _sink.Calls.TakeLast(2).ShouldBe(["remove destination orders", "remove endpoints shop/orders:80"]);
    }

    [Fact]
    public void Differences_OfInventory_AreWhatDiffersIsMissingOrUnknownButNotWhatWasRefused()
    {
        foreach (var resource in new[] { Resources.Mesh(), Resources.Workload(), Resources.Destination("gone"), Resources.Destination("refused") })
        {
            _cache.Apply(resource);
        }

        _sink.Refuse = "NotInMesh";
        var refused = Resources.Destination("refused", DestinationKind.NotInMesh);
        _cache.Apply(refused);

        var inventory = Inventory(Resources.Mesh(), Resources.Workload("v2"), Resources.Destination("missing"), refused);

        _cache.Differences(inventory).ShouldBe(["workload", "destination/missing", "destination/gone"]);
        inventory.Resources[3].Version = "newer";
        _cache.Differences(inventory).ShouldContain("destination/refused");
    }

    [Fact]
    public void ToUpdate_Order_IsEndpointsBeforeDestinations()
    {
        _cache.Apply(Resources.Destination("orders"));
        _cache.Apply(Resources.Endpoints("10.0.0.1"));
        _cache.Apply(Resources.Mesh());

        _cache.ToUpdate().Resources.Select(r => r.Key).ShouldBe([Resources.OrdersKey, "mesh", "destination/orders"]);
    }

    /// <summary>Whatever is lost, doubled or garbled on the way, the set in force is always one that was published, and resync repairs.</summary>
    [Fact]
    public void Apply_DeltasWithLosses_NeverGivesASetNobodyPublished() => Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        var r = new Random(seed);
        var sink = new RecordingSink();
        var cache = new ResourceCache(sink);
        var published = new List<Endpoints> { Resources.Set() };
        for (var i = 0; i < 20; i++)
        {
            var next = Resources.Set([.. Enumerable.Range(1, 6).Where(_ => r.Next(2) == 0).Select(n => $"10.0.0.{n}")]);
            var message = r.Next(4) == 0 ? Resources.Versioned(new() { Key = Resources.OrdersKey, Endpoints = next }) : Resources.Delta(published[^1], next);
            published.Add(next);
            for (var times = r.Next(3); times > 0; times--)
            {
                var result = cache.Apply(message);
                if (result == ApplyResult.NeedsResync && r.Next(2) == 0)
                {
                    cache.Apply(Resources.Versioned(new() { Key = Resources.OrdersKey, Endpoints = next })).ShouldBe(ApplyResult.Applied);
                }
            }

            var held = cache.Snapshot.GetValueOrDefault(Resources.OrdersKey);
            if (held is not null && (!published.Contains(held.Endpoints) || held.Version != ContentHash.Of(held.Endpoints)
                || !sink.Addresses!.SequenceEqual(held.Endpoints.Endpoints_.Select(e => e.Address))))
            {
                return false;
            }
        }

        return true;
    }).QuickCheckThrowOnFailure();

    private static Inventory Inventory(params Resource[] resources) =>
        new() { Resources = { resources.Select(r => new ResourceVersion { Key = r.Key, Version = r.Version }) } };
}
