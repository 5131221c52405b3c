using System.Net;
using MeshLite.Model;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Config;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Config;

public sealed class MeshStateTests
{
    private static readonly DestinationConfig Orders = new() { Authority = "orders", Kind = DestinationKind.Unknown };

    private readonly ManualTimeProvider _time = new();
    private readonly Outbox _outbox = new();
    private readonly MeshState _mesh;

    public MeshStateTests()
    {
        // No backends in these tests, so nothing makes endpoints.
        _mesh = new(_outbox, null!, new AttemptSettings(_time, new Random(1)));
        _outbox.Begin(new Hello());
    }

    [Fact]
    public async Task ResolveAsync_FirstUse_SubscribesAndWaitsForTheAnswer()
    {
        var first = _mesh.ResolveAsync("Orders", default);
        var second = _mesh.ResolveAsync("orders", default);
        first.IsCompleted.ShouldBeFalse();
        Sent().ShouldBe(["+orders"]);

        _mesh.SetDestination(Orders);

        (await first).ShouldNotBeNull().Config.ShouldBe(Orders);
        (await second).ShouldBeSameAs(await first);
    }

    [Fact]
    public async Task ResolveAsync_NoAnswer_GivesUpAfterASecond()
    {
        var waiting = _mesh.ResolveAsync("orders", default);
        _time.Advance(TimeSpan.FromSeconds(1));

        (await waiting).ShouldBeNull();
    }

    [Theory]
    [InlineData("192.0.2.1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData("fd00::7", false)]
    public void IsOutside_NetworksDeclared_TellsByThem(string address, bool outside)
    {
        _mesh.IsOutside(IPAddress.Parse(address)).ShouldBeFalse("nothing is known yet");
        _mesh.SetMesh(new MeshSettingsConfig());
        _mesh.IsOutside(IPAddress.Parse(address)).ShouldBeFalse("where no network is declared, any address may be the mesh's");

        _mesh.SetMesh(new MeshSettingsConfig { ClusterNetworks = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")] });

        _mesh.IsOutside(IPAddress.Parse(address)).ShouldBe(outside);
    }

    [Fact]
    public async Task SweepIdle_NobodyCalled10Minutes_LetsGo()
    {
        _mesh.SetDestination(Orders);
        _time.Advance(TimeSpan.FromMinutes(5));
        await _mesh.ResolveAsync("orders", default);
        _time.Advance(TimeSpan.FromMinutes(9));
        _mesh.SweepIdle();
        Sent().ShouldBe(["+orders"]);

        _time.Advance(TimeSpan.FromMinutes(1));
        _mesh.SweepIdle();

        Sent().ShouldBe(["-orders"]);
        _mesh.RemoveDestination("orders");
        _mesh.Destinations.ShouldBeEmpty();
    }

    [Fact]
    public async Task RemoveDestination_LateAnswerToAnUnsubscribe_DoesNotFailWhoSubscribedAnew()
    {
        _mesh.SetDestination(Orders);
        _time.Advance(MeshState.IdleTimeout);
        _mesh.SweepIdle();
        var waiting = _mesh.ResolveAsync("orders", default);

        _mesh.RemoveDestination("orders");
        _mesh.SetDestination(Orders);

        Sent().ShouldBe(["+orders", "-orders", "+orders"]);
        (await waiting.AsTask().WaitAsync(TimeSpan.FromSeconds(15))).ShouldNotBeNull();
    }

    [Fact]
    public async Task RemoveDestination_InUse_KeepsTheLastGood()
    {
        _mesh.SetDestination(Orders);
        _mesh.RemoveDestination("orders");

        (await _mesh.ResolveAsync("orders", default)).ShouldNotBeNull().Config.ShouldBe(Orders);
        Sent().ShouldBe(["+orders"]);
    }

    /// <summary>+ subscribed, - unsubscribed.</summary>
    private List<string> Sent()
    {
        var sent = new List<string>();
        while (_outbox.Messages.TryRead(out var message))
        {
            sent.AddRange(message.Subscribe?.Authorities.Select(a => "+" + a) ?? message.Unsubscribe!.Authorities.Select(a => "-" + a));
        }

        return sent;
    }
}
