using System.Net;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;

namespace MeshLite.ControlPlane.Tests.Compile;

public sealed class PodCompilerTests
{
    private static readonly Gen<IPAddress> Addresses = Gen.OneOf(
        Gen.Choose(0, 255).ArrayOf(4).Select(bytes => new IPAddress([.. bytes.Select(b => (byte)b)])),
        // Often zero, so that runs of zeros are shortened in all the ways there are.
        Gen.Elements(0, 0, 1, 0xab, 0xff).ArrayOf(16).Select(bytes => new IPAddress([.. bytes.Select(b => (byte)b)])));

    [Fact]
    public void Name_OfAnyAddress_LeadsBackToIt() => Prop.ForAll(Addresses.ToArbitrary(), Gen.Choose(1, 65535).ToArbitrary(), (address, port) =>
    {
        var workload = new WorkloadRegistration
        {
            Key = new WorkloadKey("shop", "sa", "w"), Service = "a", Address = new IPEndPoint(address, 15006), AppPort = 8080, Transparent = true,
        };
        var view = IndexReducer.Apply(IndexView.Empty, new WorkloadChange(workload.Key, workload, 0), new HashSet<IndexKey>());
        var authority = new IPEndPoint(address, port).ToString();
        var compiled = DestinationCompiler.Compile(view, authority, "shop");
        if (port == 15006 || address.IsIPv4MappedToIPv6)
        {
            return compiled.Config.Kind != DestinationKind.Service;
        }

        var endpoints = compiled.Endpoints.Single();
        return ResourceKeys.TryParseEndpoints(ResourceKeys.Endpoints(endpoints), out var parsed) && parsed == endpoints
            && EndpointCompiler.Compile(view, endpoints).Endpoints.Single().Address.Equals(new IPEndPoint(address, port))
            && EndpointCompiler.DependsOn(view, endpoints).SetEquals([IndexKey.OfAddress(address)]);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Theory]
    [InlineData("orders")]
    [InlineData("10-1-0-5")]
    [InlineData("10-1-0.pod")]
    [InlineData("010-1-0-5.pod")]
    [InlineData("fd00-0--1.pod")]
    [InlineData("a--1.b.pod")]
    [InlineData(".pod")]
    public void TryParse_NoAddress_IsNone(string name) => PodCompiler.TryParse(name, out _).ShouldBeFalse();
}
