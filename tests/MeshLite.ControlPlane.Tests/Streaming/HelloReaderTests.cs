using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Tests.Streaming;

public sealed class HelloReaderTests
{
    private static readonly Caller Caller = new(new SpiffeId("cluster.local", "shop", "orders-sa"), DateTimeOffset.MaxValue);

    [Fact]
    public void Read_Service_NamespaceAndAccountAreTheCertificates()
    {
        var owner = HelloReader.Read(Good(), Caller);

        var registration = owner.Registration.ShouldNotBeNull();
        registration.Key.ToString().ShouldBe("shop/orders-1 (orders-sa)");
        registration.ServiceKey.ToString().ShouldBe("shop/orders");
        registration.Address.ToString().ShouldBe("10.0.0.1:15006");
        registration.IsEndpoint.ShouldBeTrue();
        owner.Version.ShouldBe("v1");
    }

    [Fact]
    public void Read_CallerOnly_RegistersNothing() => HelloReader.Read(new Hello { Workload = "front-1" }, Caller).Registration.ShouldBeNull();

    [Fact]
    public void Read_MappedAddress_IsIPv4()
    {
        var hello = Good();
        hello.AdvertiseAddress = "::ffff:10.0.0.1";

        HelloReader.Read(hello, Caller).Registration!.Address.ToString().ShouldBe("10.0.0.1:15006");
    }

    public static TheoryData<string, Action<Hello>> Bad() => new()
    {
        { "Hello: workload: '' is not a workload's name", h => h.Workload = "" },
        { "Hello: workload: 'a/b' is not a workload's name", h => h.Workload = "a/b" },
        { "Hello: service: 'shop/orders' is not a service's name", h => h.Service = "shop/orders" },
        { "Hello: service: 'orders.other' is not a service's name", h => h.Service = "orders.other" },
        { "Hello: advertise_address: 'localhost' is not an address", h => h.AdvertiseAddress = "localhost" },
        { "Hello: advertise_address: '' is not an address", h => h.AdvertiseAddress = "" },
        { "Hello: advertise_address: nobody can connect to '0.0.0.0'", h => h.AdvertiseAddress = "0.0.0.0" },
        { "Hello: advertise_address: nobody can connect to '::'", h => h.AdvertiseAddress = "::" },
        { "Hello: advertise_address: nobody can connect to '224.0.0.1'", h => h.AdvertiseAddress = "224.0.0.1" },
        { "Hello: advertise_address: nobody can connect to 'fe80::1%1'", h => h.AdvertiseAddress = "fe80::1%1" },
        { "Hello: advertise_port: 0 is not a port", h => h.AdvertisePort = 0 },
        { "Hello: advertise_port: 65536 is not a port", h => h.AdvertisePort = 65536 },
        { "Hello: app_port: 0 is not a port", h => h.AppPort = 0 },
        { "Hello: further_addresses: nobody can connect to 'fe80::1%1'", h => h.FurtherAddresses.Add("fe80::1%1") },
        { "Hello: further_addresses: 9 are too many, 8 are allowed", h => h.FurtherAddresses.Add(Enumerable.Range(1, 9).Select(i => $"10.0.0.{i}")) },
        { "Hello: uncaptured_ports: not all are ports", h => h.UncapturedPorts.Add([15020, 65536]) },
        { "Hello: uncaptured_ports: 65 are too many, 64 are allowed", h => h.UncapturedPorts.Add(Enumerable.Range(1, 65).Select(i => (uint)i)) },
        { "Hello: labels: 'a b: c' is not a label", h => h.Labels["a b"] = "c" },
        { "Hello: labels: 'a: -' is not a label", h => h.Labels["a"] = "-" },
        { "Hello: labels: 65 are too many, 64 are allowed", h => Enumerable.Range(0, 64).ToList().ForEach(i => h.Labels[$"l{i}"] = "x") },
        { "Hello: held: 30011 resources are too many, 30010 are allowed", h => h.Held.AddRange(Enumerable.Repeat(new ResourceVersion(), 30011)) },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Read_Bad_ClearStatus(string says, Action<Hello> spoil)
    {
        var hello = Good();
        spoil(hello);

        var refusal = Should.Throw<GrpcException>(() => HelloReader.Read(hello, Caller));

        refusal.Code.ShouldBe(GrpcStatusCode.InvalidArgument);
        refusal.Message.ShouldBe(says);
    }

    private static Hello Good() => new()
    {
        Workload = "orders-1", Service = "orders", AdvertiseAddress = "10.0.0.1", AdvertisePort = 15006, AppPort = 8080, Ready = true, Labels = { ["version"] = "v1" },
    };
}
