using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>Watches.</summary>
public abstract class WatchContract(ContractServer server) : ContractCase(server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private Selection Here => new() { Namespace = Ns };

    [Fact]
    public async Task Watch_FromAList_TellsEveryChangeInOrder()
    {
        await CreateWidgetAsync("before");
        var start = (await Client.ListAsync(ContractServer.Widgets, Here)).ResourceVersion;
        await CreateWidgetAsync("a", """{"x": 1}""");
        var changed = await Client.MergePatchAsync(ContractServer.Widgets, Key("a"), Utf8("""{"spec": {"x": 2}}"""));
        await Client.DeleteAsync(ContractServer.Widgets, Key("a"));

        var events = await TakeAsync(start, 3);

        events.Select(e => (e.Type, e.Object!.Metadata.Name)).ShouldBe([(WatchEventType.Added, "a"), (WatchEventType.Modified, "a"), (WatchEventType.Deleted, "a")]);
        events[1].ResourceVersion.ShouldBe(changed.Metadata.ResourceVersion);
        Text(events[2].Object!, "spec", "x").ShouldBe("2");
        events.Select(e => ulong.Parse(e.ResourceVersion)).ShouldBeInOrder(SortDirection.Ascending);
        ulong.Parse(events[2].ResourceVersion).ShouldBeGreaterThan(ulong.Parse(events[1].ResourceVersion));
    }

    [Fact]
    public async Task Watch_WhileItRuns_TellsWhatHappens()
    {
        var start = (await Client.ListAsync(ContractServer.Widgets, Here)).ResourceVersion;
        var taking = TakeAsync(start, 2);

        await CreateWidgetAsync("a");
        await Client.DeleteAsync(ContractServer.Widgets, Key("a"));

        (await taking).Select(e => e.Type).ShouldBe([WatchEventType.Added, WatchEventType.Deleted]);
    }

    [Fact]
    public async Task Watch_Resumed_TellsOnlyWhatCameAfter()
    {
        var start = (await Client.ListAsync(ContractServer.Widgets, Here)).ResourceVersion;
        await CreateWidgetAsync("a");
        await CreateWidgetAsync("b");
        var first = (await TakeAsync(start, 1))[0];

        var rest = await TakeAsync(first.ResourceVersion, 1);

        first.Object!.Metadata.Name.ShouldBe("a");
        rest[0].Object!.Metadata.Name.ShouldBe("b");
    }

    [Fact]
    public async Task Watch_Selection_ObjectsComeAndGoByTheirLabels()
    {
        var selection = Here with { LabelSelector = "app=a" };
        await CreateWidgetAsync("w");
        var start = (await Client.ListAsync(ContractServer.Widgets, selection)).ResourceVersion;
        await Client.MergePatchAsync(ContractServer.Widgets, Key("w"), Utf8("""{"metadata": {"labels": {"app": "a"}}}"""));
        await Client.MergePatchAsync(ContractServer.Widgets, Key("w"), Utf8("""{"spec": {"x": 1}}"""));
        var last = await Client.MergePatchAsync(ContractServer.Widgets, Key("w"), Utf8("""{"metadata": {"labels": {"app": "b"}}}"""));

        var events = await TakeAsync(start, 3, selection);

        events.Select(e => e.Type).ShouldBe([WatchEventType.Added, WatchEventType.Modified, WatchEventType.Deleted]);
        events[2].ResourceVersion.ShouldBe(last.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Watch_TimeIsOver_EndsInOrder()
    {
        var start = (await Client.ListAsync(ContractServer.Widgets, Here)).ResourceVersion;
        var events = new List<WatchEvent<RawObject>>();

        await foreach (var next in Client.WatchAsync(ContractServer.Widgets, Here, start, TimeSpan.FromSeconds(1)))
        {
            events.Add(next);
        }

        // Whether there are bookmarks is the server's affair; a real one sends them once a minute.
        events.ShouldAllBe(e => e.Type == WatchEventType.Bookmark && e.Object == null && !SeenVersions.IsNewer(start, e.ResourceVersion));
    }

    [Fact]
    public async Task Watch_VersionLongForgotten_Expired()
    {
        var error = await RefusedAsync(TakeAsync("1", 1));

        error.Reason.ShouldBe(KubernetesReason.Expired);
        error.Message.ShouldStartWith($"cannot watch widgets.contract.meshlite.dev in {Ns}: ");
    }

    [Fact]
    public async Task Watch_UnknownKind_NotFound()
    {
        var unknown = ResourceTypes.Raw("nowhere.meshlite.dev", "v1", "nothings", "Nothing", isNamespaced: true);

        var error = await RefusedAsync(Client.WatchAsync(unknown, null, "1", TimeSpan.FromSeconds(5)).GetAsyncEnumerator().MoveNextAsync().AsTask());

        error.Reason.ShouldBe(KubernetesReason.NotFound);
    }

    [Fact]
    public async Task Watch_TypedKind_IsReadWhole()
    {
        var start = (await Client.ListAsync(ResourceTypes.Leases, Here)).ResourceVersion;
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
        await Client.CreateAsync(ResourceTypes.Leases, new Lease { Metadata = new ObjectMeta { Namespace = Ns, Name = "l" }, Spec = new LeaseSpec { HolderIdentity = "me", LeaseDurationSeconds = 12, RenewTime = at } });

        await foreach (var next in Client.WatchAsync(ResourceTypes.Leases, Here, start, TimeSpan.FromSeconds(20)))
        {
            next.Object!.Spec.HolderIdentity.ShouldBe("me");
            next.Object.Spec.RenewTime.ShouldBe(at);
            return;
        }

        Assert.Fail("no event");
    }

    private async Task<List<WatchEvent<RawObject>>> TakeAsync(string version, int count, Selection? selection = null)
    {
        var events = new List<WatchEvent<RawObject>>();
        await foreach (var next in Client.WatchAsync(ContractServer.Widgets, selection ?? Here, version, Patience))
        {
            if (next.Type != WatchEventType.Bookmark)
            {
                events.Add(next);
            }

            if (events.Count == count)
            {
                break;
            }
        }

        return events;
    }
}
