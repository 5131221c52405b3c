using System.Net;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Sources;

public sealed class WorkloadRegistryTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly ManualTimeProvider _time = new();
    private readonly List<WorkloadRegistry> _registries = [];
    private IndexTap _index = new();
    private WorkloadStore _store;
    private WorkloadRegistry _registry;

    public WorkloadRegistryTests() => (_store, _registry) = Start();

    [Fact]
    public void Release_StreamBroke_DroppedAfter10Seconds()
    {
        using var lease = _registry.Register(Workload("orders-1", 1));
        lease.Dispose();

        _time.Advance(TimeSpan.FromSeconds(9.9));
        Endpoints().ShouldBe(["127.0.0.1:1"]);

        _time.Advance(TimeSpan.FromSeconds(0.1));
        Endpoints().ShouldBeEmpty();
        _index.View.Exists(new ServiceKey("shop", "orders")).ShouldBeFalse();
        _registry.Count.ShouldBe(0);
        _time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public void Register_BackWithinTheGrace_NeverLeaves()
    {
        _registry.Register(Workload("orders-1", 1)).Dispose();
        _time.Advance(TimeSpan.FromSeconds(9));
        using var back = _registry.Register(Workload("orders-1", 1));
        _time.Advance(TimeSpan.FromSeconds(60));

        Endpoints().ShouldBe(["127.0.0.1:1"]);
        _index.Changes.OfType<WorkloadChange>().ShouldAllBe(c => c.Value != null);
    }

    [Fact]
    public void Register_SecondStreamOfOneWorkload_EndOfTheFirstChangesNothing()
    {
        var first = _registry.Register(Workload("orders-1", 1));
        using var second = _registry.Register(Workload("orders-1", 1));

        first.SetHealth(ready: false, draining: true);
        first.Dispose();
        _time.Advance(TimeSpan.FromSeconds(60));

        Endpoints().ShouldBe(["127.0.0.1:1"]);
    }

    [Fact]
    public void Register_RestartedUnderAnotherName_FormerSelfIsDroppedWithoutAGap()
    {
        _registry.Register(Workload("orders-1", 1)).Dispose();
        _index.Changes.Clear();

        using var restarted = _registry.Register(Workload("orders-2", 1));

        _registry.Count.ShouldBe(1);
        _index.Changes.Cast<WorkloadChange>().Select(c => (c.Key.Name, c.Value is not null)).ShouldBe([("orders-2", true), ("orders-1", false)]);
    }

    [Fact]
    public void Register_SameNameOtherServiceAccount_DoesNotTakeItsPlace()
    {
        using var first = _registry.Register(Workload("orders-1", 1));
        using var other = _registry.Register(Workload("orders-1", 2) with { Key = new WorkloadKey("shop", "thief", "orders-1") });

        Endpoints().ShouldBe(["127.0.0.1:1", "127.0.0.1:2"]);
    }

    [Fact]
    public void SetHealth_UnreadyOrDraining_OutOfTheSetAtOnce()
    {
        using var lease = _registry.Register(Workload("orders-1", 1));

        lease.SetHealth(ready: false, draining: false);
        Endpoints().ShouldBeEmpty();
        lease.SetHealth(ready: true, draining: false);
        Endpoints().ShouldBe(["127.0.0.1:1"]);
        lease.SetHealth(ready: true, draining: true);
        Endpoints().ShouldBeEmpty();
    }

    [Fact]
    public void Load_AfterARestart_KnowsAllAndDropsThoseNotBackAfter30Seconds()
    {
        using var a = _registry.Register(Workload("orders-1", 1));
        using var b = _registry.Register(Workload("orders-2", 2));
        _registry.Register(Workload("stock-1", 3) with { Service = "stock" }).Dispose();
        _store.Flush();

        Restart();
        _index.View.Known.ShouldBe([new ServiceKey("shop", "orders"), new ServiceKey("shop", "stock")], ignoreOrder: true);
        Endpoints().ShouldBe(["127.0.0.1:1", "127.0.0.1:2"]);
        using var back = _registry.Register(Workload("orders-2", 2));

        // Longer than for a stream that broke: nobody may have found the way back yet.
        _time.Advance(WorkloadRegistry.RestoredGrace - TimeSpan.FromMilliseconds(1));
        Endpoints().ShouldBe(["127.0.0.1:1", "127.0.0.1:2"]);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Endpoints().ShouldBe(["127.0.0.1:2"]);
        _store.Flush();

        Restart();
        _registry.Count.ShouldBe(1);
        _index.View.Known.ShouldContain(new ServiceKey("shop", "stock"));
    }

    [Fact]
    public void Load_CapturedWorkload_IsStillCalledAtItsOwnAddress()
    {
        using var a = _registry.Register(Workload("orders-1", 15006) with { Transparent = true, UncapturedPorts = [9090, 15020], FurtherAddresses = [IPAddress.IPv6Loopback] });
        _store.Flush();

        Restart();

        Endpoints().ShouldBe(["127.0.0.1:8080"]);
        _index.View.RegisteredAt(IPAddress.IPv6Loopback).ShouldHaveSingleItem().UncapturedPorts.ShouldBe([9090, 15020]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"workloads":[{"namespace":"shop"}],"knownServices":[]}""")]
    [InlineData("""{"workloads":[],"knownServices":["x"]}""")]
    public void Load_FileDamaged_StartsWithNothing(string content)
    {
        File.WriteAllText(_directory[WorkloadStore.FileName], content);

        Restart();

        _registry.Count.ShouldBe(0);
    }

    [Fact]
    public async Task RunAsync_Saves_WritesTheNewestStateOnceAWhile()
    {
        using var stop = new CancellationTokenSource();
        var running = _store.RunAsync(stop.Token);
        using var a = _registry.Register(Workload("orders-1", 1));
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);

        File.ReadAllText(_directory[WorkloadStore.FileName]).ShouldContain("orders-1");
    }

    public void Dispose()
    {
        _registries.ForEach(r => r.Dispose());
        _directory.Dispose();
    }

    private void Restart()
    {
        _registry.Dispose();
        (_store, _registry) = Start();
        _registry.Load();
    }

    private (WorkloadStore Store, WorkloadRegistry Registry) Start()
    {
        _index = new IndexTap();
        var store = new WorkloadStore(_directory[WorkloadStore.FileName], _time, NullLogger<WorkloadStore>.Instance);
        var registry = new WorkloadRegistry(store, _index.Index, _time, NullLogger<WorkloadRegistry>.Instance);
        _registries.Add(registry);
        return (store, registry);
    }

    private IEnumerable<string> Endpoints() =>
        EndpointCompiler.Compile(_index.View, new ServiceRef("shop", "orders", 80)).Endpoints.Select(e => e.Address.ToString());

    private static WorkloadRegistration Workload(string name, int port) => new()
    {
        Key = new WorkloadKey("shop", "orders", name),
        Service = "orders",
        Address = new IPEndPoint(IPAddress.Loopback, port),
        AppPort = 8080,
        Ready = true,
    };
}
