using MeshLite.Sidecar.Routing;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class RequestCookieTests
{
    [Theory]
    [InlineData("a=1", "1")]
    [InlineData("b=2; a=1", "1")]
    [InlineData("a=1; a=2", "1")]
    [InlineData("aa=2;a=1;ab=3", "1")]
    [InlineData("x=a=9; a=1", "1")]
    [InlineData("  a=1  ", "1")]
    [InlineData("a=\"1\"", "\"1\"")]
    [InlineData("a==", "=")]
    [InlineData("a=", "")]
    [InlineData("A=1", null)]
    [InlineData("a", null)]
    [InlineData("", null)]
    [InlineData(";;;", null)]
    public void TryFind_OneField_GivesTheFirstOfThatName(string field, string? expected)
    {
        var found = RequestCookie.TryFind(field, "a", out var value);

        found.ShouldBe(expected is not null);
        value.ToString().ShouldBe(expected ?? "");
    }

    [Fact]
    public void TryFind_FieldSplitAsInHttp2_LooksThroughAll()
    {
        RequestCookie.TryFind(new StringValues(["b=2", "a=1"]), "a", out var value).ShouldBeTrue();
        value.ToString().ShouldBe("1");
        RequestCookie.TryFind(StringValues.Empty, "a", out _).ShouldBeFalse();
    }
}
