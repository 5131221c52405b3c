using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Authorization;

namespace MeshLite.Sidecar.Tests.Authorization;

public sealed class EgressModelTests
{
    private static readonly EgressModel Model = EgressModel.Build(new EgressConfig
    {
        Mode = EgressMode.Deny, Allow = ["example.com", "*.example.org", "192.0.2.0/24", "198.51.100.7", "2001:db8::/32"],
    })!;

    [Fact]
    public void Build_ModeAllow_RestrictsNothing() => EgressModel.Build(new EgressConfig { Allow = ["example.com"] }).ShouldBeNull();

    [Theory]
    [InlineData("example.com", true)]
    [InlineData("EXAMPLE.com", true)]
    [InlineData("example.com.", true)]
    [InlineData("www.example.com", false)]
    [InlineData("notexample.com", false)]
    [InlineData("example.com.evil.net", false)]
    [InlineData("a.example.org", true)]
    [InlineData("a.b.Example.org", true)]
    [InlineData("example.org", false)]
    [InlineData(".example.org", false)]
    [InlineData("evilexample.org", false)]
    [InlineData("192.0.2.9", true)]
    [InlineData("192.0.3.9", false)]
    [InlineData("198.51.100.7", true)]
    [InlineData("198.51.100.8", false)]
    [InlineData("[2001:db8::1]", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("[2001:db9::1]", false)]
    [InlineData("[::ffff:192.0.2.1]", true)]
    [InlineData("[::ffff:10.0.0.1]", false)]
    // Addresses, to whoever resolves them.
    [InlineData("2130706433", false)]
    [InlineData("0x7f.1", false)]
    [InlineData("3221225985", true)]
    [InlineData("", false)]
    public void Allows_Host_ByNameOrNetwork(string host, bool allowed) => Model.Allows(host).ShouldBe(allowed);

    [Fact]
    public void Allows_AddressOfAnAllowedName_IsNotAllowedForIt() => EgressModel.Build(new EgressConfig { Mode = EgressMode.Deny, Allow = ["localhost"] })!.Allows(IPAddress.Loopback).ShouldBeFalse();
}
