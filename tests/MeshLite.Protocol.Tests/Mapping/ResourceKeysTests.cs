using MeshLite.Model;
using MeshLite.Protocol.Mapping;

namespace MeshLite.Protocol.Tests.Mapping;

public sealed class ResourceKeysTests
{
    [Fact]
    public void TryParse_OfBuiltKeys_GivesThemBack()
    {
        ResourceKeys.Endpoints(new("shop", "orders", 80)).ShouldBe("endpoints/shop/orders:80");
        ResourceKeys.TryParseEndpoints("endpoints/shop/orders:80", out var service).ShouldBeTrue();
        service.ShouldBe(new ServiceRef("shop", "orders", 80));

        ResourceKeys.TryParseDestination(ResourceKeys.Destination("orders.shop:80"), out var authority).ShouldBeTrue();
        authority.ShouldBe("orders.shop:80");
    }

    [Theory]
    [InlineData("mesh")]
    [InlineData("endpoints/")]
    [InlineData("endpoints/shop/orders")]
    [InlineData("endpoints/shop/orders:0")]
    [InlineData("endpoints/shop/orders:080")]
    [InlineData("endpoints/shop/orders:70000")]
    [InlineData("endpoints/Shop/orders:80")]
    [InlineData("endpoints/shop/x/orders:80")]
    [InlineData("destination/")]
    public void TryParse_OtherText_IsRefused(string key)
    {
        ResourceKeys.TryParseEndpoints(key, out _).ShouldBeFalse();
        ResourceKeys.TryParseDestination(key, out _).ShouldBeFalse();
    }
}
