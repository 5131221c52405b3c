using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Tests.Mapping;

public sealed class ContentHashTests
{
    [Fact]
    public void Of_LabelsAndEndpointsInAnyOrder_IsTheSame()
    {
        var a = new Endpoints { Endpoints_ = { Endpoint("10.0.0.1", "app", "version"), Endpoint("10.0.0.2", "b", "A") } };
        var b = new Endpoints { Endpoints_ = { Endpoint("10.0.0.2", "A", "b"), Endpoint("10.0.0.1", "version", "app") } };

        ContentHash.Of(a).ShouldBe(ContentHash.Of(b));
        a.Endpoints_[0].Labels.Keys.ShouldBe(["app", "version"], "the resource itself is not touched");
    }

    [Fact]
    public void Of_SubsetLabelsInAnyOrder_IsTheSame()
    {
        var a = new Destination { Backends = { new Backend { Labels = { ["x"] = "1", ["a"] = "2" } } } };
        var b = new Destination { Backends = { new Backend { Labels = { ["a"] = "2", ["x"] = "1" } } } };

        ContentHash.Of(a).ShouldBe(ContentHash.Of(b));
    }

    [Fact]
    public void Of_AnyChange_Differs()
    {
        var hashes = new[]
        {
            new Resource { Endpoints = new() },
            new Resource { Destination = new() },
            new Resource { Endpoints = new() { Endpoints_ = { Endpoint("10.0.0.1") } } },
            new Resource { Endpoints = new() { Endpoints_ = { Endpoint("10.0.0.1", "app") } } },
            new Resource { Mesh = new() { TrustDomain = "a" } },
            new Resource { Workload = new() { Workload_ = "a" } },
        }.Select(ContentHash.Of).ToArray();

        hashes.ShouldBeUnique();
        hashes.ShouldAllBe(h => h.Length == 16);
    }

    /// <summary>Two versions of the program must agree: this value may change only with the contract.</summary>
    [Fact]
    public void Of_KnownResource_IsStable() =>
        ContentHash.Of(new Endpoints { Endpoints_ = { Endpoint("10.0.0.1", "app", "version") } }).ShouldBe("1d72901755ded357");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_NoWholeBody_Throws(bool delta) =>
        Should.Throw<ArgumentException>(() => ContentHash.Of(delta ? new Resource { EndpointsDelta = new() } : new Resource()));

    private static Endpoint Endpoint(string address, params string[] labels)
    {
        var endpoint = new Endpoint { Address = address, Port = 80 };
        foreach (var label in labels)
        {
            endpoint.Labels.Add(label, label);
        }

        return endpoint;
    }
}
