using MeshLite.ControlPlane.Compile;

namespace MeshLite.ControlPlane.Tests.Compile;

public sealed class HostPortTests
{
    [Theory]
    [InlineData("orders", "orders", null, false)]
    [InlineData("Orders.Shop:80", "orders.shop", 80, false)]
    [InlineData("orders.shop.svc.cluster.local.:8080", "orders.shop.svc.cluster.local", 8080, false)]
    [InlineData("orders:99999", "orders", 0, false)]
    [InlineData("orders:http", "orders", 0, false)]
    [InlineData("1", "1", null, false)]
    [InlineData("10.1.2.3", "10.1.2.3", null, true)]
    [InlineData("10.1.2.3:80", "10.1.2.3", 80, true)]
    [InlineData("[::1]:80", "::1", 80, true)]
    [InlineData("[fd00::1]", "fd00::1", null, true)]
    public void TryParse_Authority_IsTakenApart(string authority, string host, int? port, bool address)
    {
        HostPort.TryParse(authority, out var result).ShouldBeTrue();

        result.Host.ShouldBe(host);
        result.Port.ShouldBe(port);
        (result.Address is not null).ShouldBe(address);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("a/b")]
    [InlineData("user@host")]
    [InlineData("[orders]:80")]
    [InlineData("::1")]
    [InlineData("é")]
    [InlineData(".")]
    public void TryParse_NoAuthority_IsRefused(string authority) => HostPort.TryParse(authority, out _).ShouldBeFalse();
}
