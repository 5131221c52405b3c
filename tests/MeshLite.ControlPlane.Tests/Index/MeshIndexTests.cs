using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Tests.Index;

public sealed class MeshIndexTests
{
    [Fact]
    public async Task RunAsync_ChangesThatWait_BecomeOneView()
    {
        var index = new MeshIndex();
        var updates = new List<IndexUpdate>();
        using var stop = new CancellationTokenSource();
        index.Post(Service("a", 7));
        index.Post(Service("b", 5));
        index.Post(new Synced(9));
        var running = index.RunAsync(updates.Add, stop.Token);

        await index.WhenSynced.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        var update = updates.ShouldHaveSingleItem();
        update.ChangedAt.ShouldBe(5);
        update.View.ShouldBe(index.View);
        update.Touched.ShouldContain(IndexKey.Service(new ServiceKey("shop", "b")));
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
    }

    private static ResourceChange Service(string name, long at)
    {
        var key = new ResourceKey(ResourceKind.Service, "shop", name);
        return new ResourceChange(key, new ServiceResource { Key = key, Origin = default, Ports = [new("", 80, null, default)] }, at);
    }
}
