using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Publish;

/// <summary>A slice as large as slices get: one endpoint's change is compiled once for all, and travels as that endpoint.</summary>
public sealed class LargeSliceTests : IPublishListener
{
    private const int Size = 1000;

    private readonly Publisher _publisher = new();
    private IndexView _view = IndexView.Empty;
    private int _changes;

    void IPublishListener.Changed(string resourceKey) => _changes++;

    [Fact]
    public void Apply_ReadinessOfOneOfAThousand_TravelsAsOne()
    {
        Apply(new ResourceChange(new(ResourceKind.Service, "shop", "orders"), new ServiceResource { Key = new(ResourceKind.Service, "shop", "orders"), Origin = default, Ports = [new("http", 80, null, default)] }, 0));
        foreach (var i in Enumerable.Range(0, Size))
        {
            Apply(new PodChange(KeyOf(i), new PodResource { Key = KeyOf(i), Injected = true, Addresses = [AddressOf(i)], Labels = ImmutableSortedDictionary<string, string>.Empty.Add("app", "orders").Add("version", "v1") }, 0));
        }

        Apply(Slice(unready: -1));
        var entry = _publisher.Watch(new EndpointsKey(new ServiceRef("shop", "orders", 80)), this);
        var began = TimeProvider.System.GetTimestamp();
        foreach (var i in Enumerable.Range(0, 100))
        {
            var held = entry.Current;
            Apply(Slice(unready: i));
            entry.Current.ShouldNotBeSameAs(held);
            entry.Current.EncodedFor(held).Length.ShouldBeLessThan(500);
        }

        _changes.ShouldBe(100);
        TestContext.Current.TestOutputHelper!.WriteLine($"{TimeProvider.System.GetElapsedTime(began).TotalMilliseconds / 100:0.00} ms a change; whole set {entry.Current.Encoded.Length} bytes");
    }

    private void Apply(IndexChange change)
    {
        var touched = new HashSet<IndexKey>();
        _view = IndexReducer.Apply(_view, change, touched);
        _publisher.Apply(new IndexUpdate(_view, touched, 0));
    }

    private static SliceChange Slice(int unready) => new(new("shop", "orders-1"), new EndpointSliceResource
    {
        Key = new("shop", "orders-1"), Service = new("shop", "orders"), Ports = [new("http", 8080)],
        Endpoints = [.. Enumerable.Range(0, Size).Select(i => new SliceEndpoint(AddressOf(i), i != unready, i != unready, false, KeyOf(i)))],
    }, 0);

    private static PodKey KeyOf(int i) => new("shop", $"orders-{i}");

    private static IPAddress AddressOf(int i) => new([10, 1, (byte)(i / 250), (byte)(i % 250)]);
}
