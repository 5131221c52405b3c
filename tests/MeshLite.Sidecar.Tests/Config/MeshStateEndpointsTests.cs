using System.Net;
using MeshLite.Model;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;
using ServiceRef = MeshLite.Model.ServiceRef;

namespace MeshLite.Sidecar.Tests.Config;

/// <summary>Destinations with backends: what of an endpoint survives which change.</summary>
public sealed class MeshStateEndpointsTests
{
    private static readonly ServiceRef Orders = new("shop", "orders", 80);
    private static readonly ServiceRef Inventory = new("shop", "inventory", 80);

    private readonly ManualTimeProvider _time = new();
    private readonly Outbox _outbox = new();
    private readonly MeshState _mesh;

    public MeshStateEndpointsTests()
    {
        _mesh = new MeshState(_outbox, new EndpointFactory(new EndpointConnector(null!, null!, null!, _time), new Random(1), _time), new AttemptSettings(_time, new Random(1)));
        _outbox.Begin(new Hello());
    }

    [Fact]
    public void SetEndpoints_SomeChange_TheOthersKeepTheirState()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1), Endpoint(2, "v1"), Endpoint(3)));
        _mesh.SetDestination(To(Orders));
        var before = Endpoints();

        _mesh.SetEndpoints(Set(Orders, Endpoint(1), Endpoint(2, "v2"), Endpoint(4)));

        var after = Endpoints();
        after.Keys.Order().ShouldBe([1, 2, 4]);
        after[1].ShouldBeSameAs(before[1]);
        after[2].ShouldNotBeSameAs(before[2]);
        after[2].Version.ShouldBe("v2");
        IsRetired(before[1]).ShouldBeFalse();
        IsRetired(before[2]).ShouldBeTrue();
        IsRetired(before[3]).ShouldBeTrue();
    }

    [Fact]
    public void SetDestination_Anew_KeepsTheEndpointsState()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetDestination(To(Orders));
        var before = Endpoints()[1];

        _mesh.SetDestination(To(Orders) with { Rules = [new RouteRuleConfig { Name = "other", Backends = [new WeightedBackendConfig(0, 1)] }] });

        Endpoints()[1].ShouldBeSameAs(before);
        IsRetired(before).ShouldBeFalse();
    }

    [Fact]
    public void SetDestination_NoLongerNamesAService_RetiresItsEndpoints()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetEndpoints(Set(Inventory, Endpoint(2)));
        _mesh.SetDestination(To(Orders));
        var before = Endpoints()[1];

        _mesh.SetDestination(To(Inventory));

        IsRetired(before).ShouldBeTrue();
        Endpoints().Keys.ShouldBe([2]);
    }

    [Fact]
    public void SetEndpoints_BeforeAnybodyNamesThem_AreKept()
    {
        _mesh.SetEndpoints(Set(Inventory, Endpoint(2)));
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetDestination(To(Orders));

        _mesh.SetDestination(To(Inventory) with { Authority = "inventory" });

        Endpoints("inventory").Keys.ShouldBe([2]);
    }

    [Fact]
    public void SetDestination_Refused_TheLastGoodStaysInForce()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetDestination(To(Orders));
        var before = _mesh.Destinations.Single();
        var bad = new RouteMatchConfig { Rule = 0, Path = new PathMatchConfig(PathMatchType.RegularExpression, "(") };

        Should.Throw<FormatException>(() => _mesh.SetDestination(To(Inventory) with { Matches = [bad] }));

        _mesh.Destinations.Single().ShouldBeSameAs(before);
        IsRetired(Endpoints()[1]).ShouldBeFalse();
    }

    [Fact]
    public void SetEndpoints_WithoutIdentity_IsAnotherEndpointThanWithOne()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1), Endpoint(2)));
        _mesh.SetDestination(To(Orders));
        var (meshed, other) = (Endpoints()[1], Endpoints()[2]);

        _mesh.SetEndpoints(Set(Orders, Endpoint(1) with { Identity = null }, Endpoint(2)));

        // Its connections were mTLS, and none of them may serve a call in plaintext; nor the reverse.
        Endpoints()[1].ShouldNotBeSameAs(meshed);
        IsRetired(meshed).ShouldBeTrue();
        Endpoints()[2].ShouldBeSameAs(other);
    }

    [Fact]
    public async Task ResolveAsync_TooManyDestinations_FailsAtOnceAndKnownOnesGoOn()
    {
        _mesh.SetDestination(To(Orders));
        for (var i = 1; i < MeshState.MaxDestinations; i++)
        {
            _ = _mesh.ResolveAsync($"host-{i}", default).AsTask();
        }

        (await _mesh.ResolveAsync("one-too-many", default)).ShouldBeNull();

        (await _mesh.ResolveAsync("orders", default)).ShouldNotBeNull();
        _time.Advance(MeshState.IdleTimeout);
        _mesh.SweepIdle();
        _mesh.ResolveAsync("one-too-many", default).IsCompleted.ShouldBeFalse("names nobody answered are forgotten");
    }

    [Fact]
    public async Task SweepIdle_NoAnswerToTheUnsubscribe_TheLastGoodStaysInForce()
    {
        // The control plane is away, or it took Unsubscribe and Subscribe together and has nothing new to say.
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetDestination(To(Orders));
        var before = _mesh.Destinations.Single();
        _time.Advance(MeshState.IdleTimeout);
        _mesh.SweepIdle();

        var resolved = _mesh.ResolveAsync("orders", default);

        resolved.IsCompleted.ShouldBeTrue();
        (await resolved).ShouldBeSameAs(before);
        Sent().ShouldBe(["+orders", "-orders", "+orders"]);
    }

    [Fact]
    public async Task RemoveEndpoints_LateAnswerToAnUnsubscribe_DoesNotEmptyWhatIsUsedAgain()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetDestination(To(Orders));
        _time.Advance(MeshState.IdleTimeout);
        _mesh.SweepIdle();
        await _mesh.ResolveAsync("orders", default);

        // The answers to Unsubscribe, then to Subscribe.
        _mesh.RemoveDestination("orders");
        _mesh.RemoveEndpoints(Orders);
        Endpoints().Keys.ShouldBe([1]);
        _mesh.SetEndpoints(Set(Orders, Endpoint(1), Endpoint(2)));

        Endpoints().Keys.Order().ShouldBe([1, 2]);
    }

    [Fact]
    public void RemoveDestination_AndEndpointsAfterALetGo_RetiresThem()
    {
        _mesh.SetEndpoints(Set(Orders, Endpoint(1)));
        _mesh.SetDestination(To(Orders));
        var before = Endpoints()[1];
        _time.Advance(MeshState.IdleTimeout);
        _mesh.SweepIdle();

        _mesh.RemoveDestination("orders");
        _mesh.RemoveEndpoints(Orders);

        _mesh.Destinations.ShouldBeEmpty();
        IsRetired(before).ShouldBeTrue();
    }

    private static DestinationConfig To(ServiceRef service) => new()
    {
        Authority = "orders",
        Kind = DestinationKind.Service,
        Service = service,
        Matches = [new RouteMatchConfig { Rule = 0 }],
        Rules = [new RouteRuleConfig { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] }],
        Backends = [new BackendConfig { Service = service }],
    };

    private static EndpointSetConfig Set(ServiceRef service, params EndpointConfig[] endpoints) => new(service, [.. endpoints]);

    private static EndpointConfig Endpoint(int number, string version = "") => new()
    {
        Address = new IPEndPoint(IPAddress.Loopback, number),
        Identity = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"),
        Labels = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("version", version),
    };

    /// <summary>By number.</summary>
    private Dictionary<int, EndpointState> Endpoints(string authority = "orders") =>
        _mesh.Destinations.Single(d => d.Config.Authority == authority).Backends.Single().Endpoints.ToDictionary(e => e.Config.Address.Port);

    private bool IsRetired(EndpointState endpoint)
    {
        _time.Advance(EndpointState.RetiredFor);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://mesh/");
            endpoint.Connections.SendAsync(request, new CancellationToken(canceled: true)).GetAwaiter().GetResult().Dispose();
            return false;
        }
        catch (Exception e) when (e is UnsentException or ObjectDisposedException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

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
