using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Tests.Authorization;

public sealed class PathDoubtTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/items/1?x=..%2f;")]
    [InlineData("/a%20b")]
    [InlineData("/caf%C3%A9")]
    [InlineData("/100%25")]
    [InlineData("/100%25x")]
    [InlineData("/%41dmin")]
    [InlineData("/a.b/..c/.d")]
    [InlineData("http://orders/items")]
    [InlineData("http://orders")]
    public void Has_OneReading_IsFalse(string target) => Has(target).ShouldBeFalse();

    [Theory]
    [InlineData("/a%2Fb")]
    [InlineData("/a//b")]
    [InlineData("//a")]
    [InlineData("/a/./b")]
    [InlineData("/a/../b")]
    [InlineData("/a/%2e%2E/b")]
    [InlineData("/a/.%2e/b")]
    [InlineData("/a;x=1")]
    [InlineData("/a%3Bx")]
    [InlineData("/a%3bx")]
    [InlineData("/..;/b")]
    [InlineData("/a\\b")]
    [InlineData("/a%5cb")]
    [InlineData("/a%00")]
    [InlineData("/a%")]
    [InlineData("/a%zz")]
    [InlineData("/%252e%252e/b")]
    [InlineData("/a%252Fb")]
    [InlineData("/%25%36%31")]
    [InlineData("/a%0a")]
    [InlineData("/a%7Fb")]
    [InlineData("/a%20")]
    [InlineData("/a%20%20")]
    [InlineData("/%20a")]
    [InlineData("/a%20/b")]
    [InlineData("/a%c2%a0")]
    [InlineData("/a%C2%85")]
    [InlineData("/%c0%ae%c0%ae/b")]
    [InlineData("/%c0%af")]
    [InlineData("/%ff")]
    [InlineData("/%e0%80%af")]
    [InlineData("/a#b")]
    [InlineData("*")]
    [InlineData("a")]
    [InlineData("")]
    [InlineData("http:///a")]
    [InlineData("http://orders/a//b")]
    public void Has_SeveralReadings_IsTrue(string target) => Has(target).ShouldBeTrue();

    private static bool Has(string target) => PathDoubt.Has(PathNormalizer.Normalize(target));
}
