using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Config;

public sealed class ConfigStreamTests : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private FakeControlPlane _plane = null!;
    private ConfigStreamFixture _sidecar = null!;

    public async ValueTask InitializeAsync()
    {
        _plane = await FakeControlPlane.StartAsync();
        _sidecar = new(_plane.Address, _directory.Path);
    }

    public async ValueTask DisposeAsync()
    {
        await _sidecar.DisposeAsync();
        await _plane.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task RunAsync_FirstUpdate_IsAppliedAcknowledgedAndSufficient()
    {
        _sidecar.Outbox.Subscribe("orders");
        var stream = await AcceptAsync(_sidecar.Start());

        stream.Hello.Workload.ShouldBe("web-1");
        stream.Hello.Authorities.ShouldBe(["orders"]);
        stream.Hello.Held.ShouldBeEmpty();
        _sidecar.Stream.FirstConfig.IsCompleted.ShouldBeFalse();

        await stream.Plane.UpdateAsync(1, Resources.Mesh(), Resources.Workload());

        (await stream.Plane.ReadAsync()).Ack.ShouldBe(new Ack { Nonce = 1 });
        await _sidecar.Stream.FirstConfig.WaitAsync(TimeSpan.FromSeconds(15));
        (_sidecar.Stream.Connected, _sidecar.Stream.Problem).ShouldBe((true, null));
        _sidecar.Sink.Calls.ShouldBe(["mesh cluster.local", "workload v1"]);
    }

    [Fact]
    public async Task RunAsync_Delta_IsApplied()
    {
        var stream = await ConnectedAsync(Resources.Endpoints("10.0.0.1"));

        await stream.UpdateAsync(2, Resources.Delta(Resources.Set("10.0.0.1"), Resources.Set("10.0.0.2")));

        (await stream.ReadAsync()).Ack.ShouldBe(new Ack { Nonce = 2 });
        _sidecar.Sink.Addresses.ShouldBe(["10.0.0.2"]);
    }

    [Fact]
    public async Task RunAsync_DeltaThatDoesNotFit_AsksForTheWhole()
    {
        var stream = await ConnectedAsync(Resources.Endpoints("10.0.0.1"));

        await stream.UpdateAsync(2, Resources.Delta(Resources.Set("10.0.0.7"), Resources.Set("10.0.0.2")));

        (await stream.ReadAsync()).Ack.Rejected.ShouldHaveSingleItem().Key.ShouldBe(Resources.OrdersKey);
        (await stream.ReadAsync()).Resync.Keys.ShouldBe([Resources.OrdersKey]);
        _sidecar.Sink.Addresses.ShouldBe(["10.0.0.1"]);
        await stream.UpdateAsync(3, Resources.Endpoints("10.0.0.2"));
        (await stream.ReadAsync()).Ack.ShouldBe(new Ack { Nonce = 3 });
        _sidecar.Sink.Addresses.ShouldBe(["10.0.0.2"]);
    }

    [Fact]
    public async Task RunAsync_Rejected_KeepsLastGoodAndTellsWhy()
    {
        var stream = await ConnectedAsync(Resources.Destination("orders"));
        _sidecar.Sink.Refuse = "NotInMesh";
        var bad = Resources.Destination("orders", DestinationKind.NotInMesh);

        await stream.UpdateAsync(2, bad, Resources.Endpoints("10.0.0.5"));

        (await stream.ReadAsync()).Ack.Rejected.ShouldBe(
            [new Rejection { Key = "destination/orders", Version = bad.Version, Reason = "refused: destination orders NotInMesh" }]);
        _sidecar.Stream.Rejected.ShouldBe(1);
        _sidecar.Sink.Addresses.ShouldBe(["10.0.0.5"], "the rest of the update is in force");
        _sidecar.Cache.Snapshot["destination/orders"].ShouldBe(Resources.Destination("orders"));
    }

    [Fact]
    public async Task RunAsync_Inventory_AsksForWhatDiffersUnlessItIsOlder()
    {
        var stream = await ConnectedAsync();

        await stream.InventoryAsync(0, Resources.Mesh(), Resources.Workload("older"));
        await stream.InventoryAsync(1, Resources.Mesh(), Resources.Workload());
        await stream.InventoryAsync(1, Resources.Mesh(), Resources.Workload("v2"), Resources.Destination("orders"));

        (await stream.ReadAsync()).Resync.Keys.ShouldBe(["workload", "destination/orders"]);
    }

    [Fact]
    public async Task RunAsync_OlderOrRepeatedNonce_IsNotApplied()
    {
        var stream = await ConnectedAsync();
        await stream.UpdateAsync(5, Resources.Workload("v5"));
        (await stream.ReadAsync()).Ack.Nonce.ShouldBe(5ul);

        await stream.UpdateAsync(4, Resources.Workload("v4"));
        await stream.UpdateAsync(5, Resources.Workload("v4"));
        await stream.UpdateAsync(6);

        (await stream.ReadAsync()).Ack.Nonce.ShouldBe(6ul, "no other was acknowledged");
        _sidecar.Sink.Calls[^1].ShouldBe("workload v5");
    }

    [Fact]
    public async Task RunAsync_StreamBreaks_NextOneSaysWhatIsHeldAndWanted()
    {
        var first = await ConnectedAsync(Resources.Destination("orders"));
        _sidecar.Outbox.Subscribe("orders");
        (await first.ReadAsync()).Subscribe.Authorities.ShouldBe(["orders"]);
        _sidecar.Outbox.ReportHealth(ready: true, draining: false);
        (await first.ReadAsync()).Health.Ready.ShouldBeTrue();

        first.End(new GrpcException(GrpcStatusCode.Unavailable, "restarting"));
        await _sidecar.BackingOffAsync();

        (_sidecar.Stream.Connected, _sidecar.Stream.Problem).ShouldBe((false, "restarting"));
        _sidecar.Sink.Calls.Count.ShouldBe(3, "what is in force stays");
        _sidecar.Time.Advance(TimeSpan.FromMilliseconds(100));
        var (_, hello) = await AcceptAsync();
        hello.Held.ShouldBe(_sidecar.Cache.Held);
        hello.Held.Count.ShouldBe(3);
        hello.Authorities.ShouldBe(["orders"]);
        hello.Ready.ShouldBeTrue();
    }

    [Fact]
    public async Task RunAsync_NewStream_CountsNoncesAnew()
    {
        var first = await ConnectedAsync();
        await first.UpdateAsync(9, Resources.Workload("v9"));
        await first.ReadAsync();
        first.End();
        await _sidecar.BackingOffAsync();
        _sidecar.Time.Advance(TimeSpan.FromSeconds(10));
        var (second, _) = await AcceptAsync();

        await second.UpdateAsync(1, Resources.Workload("v10"));

        (await second.ReadAsync()).Ack.ShouldBe(new Ack { Nonce = 1 });
        _sidecar.Sink.Calls[^1].ShouldBe("workload v10");
    }

    [Fact]
    public async Task Reconnect_OpenStream_IsReplacedWithoutWaiting()
    {
        await ConnectedAsync();

        _sidecar.Stream.Reconnect();

        (await AcceptAsync()).Hello.Held.Count.ShouldBe(2);
        _sidecar.Attempts.ShouldBe(2);
    }

    [Fact]
    public async Task RunAsync_ControlPlaneAway_WaitsLongerEachTimeUpTo5SecondsAndLogsTheReasonOnce()
    {
        await _plane.DisposeAsync();
        _sidecar.Start();

        foreach (var milliseconds in new[] { 100, 200, 400, 800, 1600, 3200, 5000, 5000 })
        {
            await _sidecar.BackingOffAsync();
            var attempts = _sidecar.Attempts;
            _sidecar.Time.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
            _sidecar.Attempts.ShouldBe(attempts, $"before {milliseconds} ms");
            _sidecar.Time.Advance(TimeSpan.FromMilliseconds(1));
            await Eventually.TrueAsync(() => _sidecar.Attempts == attempts + 1, $"attempt after {milliseconds} ms");
        }

        await _sidecar.BackingOffAsync();
        _sidecar.Log.Events.Count(e => e == "StreamFailed").ShouldBe(1);
        _sidecar.Stream.Problem!.ShouldContain("refused");
    }

    [Fact]
    public async Task RunAsync_StreamsThatEndAtOnce_AreNoReasonToHurry()
    {
        _sidecar.Start();
        foreach (var milliseconds in new[] { 100, 200, 400 })
        {
            var (stream, _) = await AcceptAsync();
            await stream.UpdateAsync(1, Resources.Mesh());
            stream.End();
            await _sidecar.BackingOffAsync();
            _sidecar.Time.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
            await _sidecar.BackingOffAsync();
            _sidecar.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    [Fact]
    public async Task RunAsync_ChangedConfiguration_IsOnDiskAfterASecond()
    {
        await ConnectedAsync();
        File.Exists(_directory["config.json"]).ShouldBeFalse();

        _sidecar.Time.Advance(TimeSpan.FromSeconds(1));

        await Eventually.TrueAsync(() => File.Exists(_directory["config.json"]), "the last good configuration is saved");
    }

    [Fact]
    public async Task Restore_AfterRestartWithoutControlPlane_GivesTheLastGood()
    {
        await ConnectedAsync(Resources.Endpoints("10.0.0.1"), Resources.Destination("orders", DestinationKind.Service));
        await _sidecar.DisposeAsync();
        await _plane.DisposeAsync();

        await using var restarted = new ConfigStreamFixture(_plane.Address, _directory.Path);
        restarted.Start();

        restarted.Stream.FirstConfig.IsCompletedSuccessfully.ShouldBeTrue();
        restarted.Cache.ToUpdate().ShouldBe(_sidecar.Cache.ToUpdate());
        restarted.Sink.Calls.Count.ShouldBe(4);
        await restarted.BackingOffAsync();
        restarted.Stream.Connected.ShouldBeFalse();
    }

    [Fact]
    public async Task Age_SinceTheControlPlaneLastSpoke_Grows()
    {
        var stream = await ConnectedAsync();
        _sidecar.Time.Advance(TimeSpan.FromSeconds(29));
        _sidecar.Stream.Age.ShouldBe(TimeSpan.FromSeconds(29));

        await stream.InventoryAsync(1, Resources.Mesh(), Resources.Workload());

        await Eventually.TrueAsync(() => _sidecar.Stream.Age == TimeSpan.Zero, "an inventory confirms what is in force");
    }

    /// <summary>A stream on which mesh, workload and these were sent (nonce 1) and acknowledged.</summary>
    private async Task<FakeStream> ConnectedAsync(params Resource[] resources)
    {
        var (stream, _) = await AcceptAsync(_sidecar.Start());
        await stream.UpdateAsync(1, [Resources.Mesh(), Resources.Workload(), .. resources]);
        (await stream.ReadAsync()).Ack.ShouldBe(new Ack { Nonce = 1 });
        return stream;
    }

    private async Task<(FakeStream Plane, Hello Hello)> AcceptAsync(ConfigStreamFixture? _ = null)
    {
        var stream = await _plane.AcceptAsync();
        return (stream, (await stream.ReadAsync()).Hello.ShouldNotBeNull());
    }
}
