using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Status;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Status;

public sealed class SidecarCensusTests
{
    private static readonly byte[] Key = [1, 2, 3];
    private static readonly SpiffeId Identity = new("cluster.local", "shop", "orders");

    private readonly Publisher _publisher = new();
    private readonly SidecarCensus _census;

    public SidecarCensusTests()
    {
        _census = new SidecarCensus(_publisher);
        Publish("first");
    }

    [Fact]
    public void Count_Connected_HasTheRootsOnceItAcknowledged()
    {
        var sidecar = Connect("orders-1", Key);
        _census.Count("first", Key).WithRoots.ShouldBe(0, "it watches nothing yet");

        var entry = _publisher.Watch(new MeshKey(), sidecar);
        _census.Count("first", Key).WithoutRoots.ShouldBe(["shop/orders-1"]);
        entry.Acks!.Acked(sidecar, entry.Current.Version);

        var seen = _census.Count("first", Key);
        (seen.Sidecars, seen.WithRoots, seen.WithIssuer, seen.IsOverlapDone, seen.IsRenewalDone).ShouldBe((1, 1, 1, true, true));
    }

    [Fact]
    public void Count_AnotherSetOfRootsIsMeant_NobodyHasIt()
    {
        var sidecar = Connect("orders-1", Key);
        var entry = _publisher.Watch(new MeshKey(), sidecar);
        entry.Acks!.Acked(sidecar, entry.Current.Version);

        _census.Count("second", Key).IsOverlapDone.ShouldBeFalse("the index has not got it yet");
        Publish("second");
        _census.Count("second", Key).IsOverlapDone.ShouldBeFalse();
        entry.Acks.Refused(sidecar, entry.Current.Version, "no");
        _census.Count("second", Key).IsOverlapDone.ShouldBeFalse("it was refused");
        entry.Acks.Acked(sidecar, entry.Current.Version);

        _census.Count("second", Key).IsOverlapDone.ShouldBeTrue();
    }

    [Fact]
    public void Count_CertificateOfAnother_IsNamed()
    {
        Connect("orders-1", Key);
        Connect("orders-2", [9]);
        Connect("orders-3", []);

        var seen = _census.Count("first", Key);

        seen.WithIssuer.ShouldBe(1);
        seen.WithoutIssuer.ShouldBe(["shop/orders-2", "shop/orders-3"]);
        seen.WaitingFor(roots: false).ShouldBe("shop/orders-2, shop/orders-3");
    }

    [Fact]
    public void Dispose_StreamEnded_CountsNoLonger()
    {
        var listener = new Listener();
        _census.Add(listener, Identity, "orders-1", new Caller(Identity, default)).Dispose();

        _census.Count("first", Key).Sidecars.ShouldBe(0);
    }

    private Listener Connect(string workload, byte[] issuer)
    {
        var listener = new Listener();
        _census.Add(listener, Identity, workload, new Caller(Identity, default) { IssuerKey = issuer });
        return listener;
    }

    private void Publish(string bundle)
    {
        var view = IndexView.Empty with { Authority = new MeshAuthority([System.Text.Encoding.UTF8.GetBytes(bundle)], bundle, Key) };
        _publisher.Apply(new IndexUpdate(view, new HashSet<IndexKey> { IndexKey.Authority }, 0));
    }

    private sealed class Listener : IPublishListener
    {
        public void Changed(string resourceKey)
        {
        }
    }
}
