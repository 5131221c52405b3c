using MeshLite.Model;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class HeaderModifierTests
{
    [Fact]
    public void Apply_SetAddRemove_InThatOrder()
    {
        var headers = new HeaderDictionary { ["x-set"] = new[] { "old", "older" }, ["x-add"] = "first", ["X-Gone"] = "1" };
        var problems = new List<string>();
        var modifier = HeaderModifier.Build(
            new HeaderModifierConfig
            {
                Set = [new("X-Set", "new"), new("x-set", "ignored: a name is set once"), new("x-both", "set"), new("x-removed", "set")],
                Add = [new("x-add", "second"), new("x-both", "added"), new("x-new", "1")],
                Remove = ["x-gone", "x-removed", "x-absent"],
            },
            "rule 'a'",
            problems);

        modifier.ShouldNotBeNull().Apply(headers);

        problems.ShouldBeEmpty();
        headers["x-set"].ToArray().ShouldBe(["new"]);
        headers["x-add"].ToArray().ShouldBe(["first", "second"]);
        headers["x-both"].ToArray().ShouldBe(["set", "added"]);
        headers["x-new"].ToArray().ShouldBe(["1"]);
        headers.Keys.Order().ShouldBe(["x-add", "x-both", "x-new", "x-set"], ignoreOrder: true, comparer: StringComparer.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("meshlite-client-id")]
    [InlineData("MeshLite-Error")]
    [InlineData("Host")]
    [InlineData("content-length")]
    [InlineData("Transfer-Encoding")]
    [InlineData("connection")]
    [InlineData("keep-alive")]
    [InlineData("proxy-connection")]
    [InlineData("te")]
    [InlineData("trailer")]
    [InlineData("upgrade")]
    [InlineData(":authority")]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\r\nb")]
    public void Build_NamesThatMayNotChange_AreLeftOutAndNamed(string name)
    {
        var problems = new List<string>();

        var modifier = HeaderModifier.Build(
            new HeaderModifierConfig { Set = [new(name, "x"), new("x-fine", "1")], Add = [new(name, "x")], Remove = [name] }, "rule 'a'", problems);

        problems.Count.ShouldBe(3);
        problems.ShouldAllBe(p => p.StartsWith("rule 'a': ", StringComparison.Ordinal) && p.Contains($"'{name}'"));
        var headers = new HeaderDictionary { ["content-length"] = "5" };
        modifier.ShouldNotBeNull().Apply(headers);
        headers.Keys.ShouldBe(["content-length", "x-fine"], ignoreOrder: true);
        headers["content-length"].ToString().ShouldBe("5");
    }

    [Theory]
    [InlineData("a\r\nset-cookie: x")]
    [InlineData("a\n")]
    [InlineData("a\0")]
    public void Build_ValuesThatEndALine_AreLeftOut(string value)
    {
        var problems = new List<string>();

        HeaderModifier.Build(new HeaderModifierConfig { Set = [new("x", value)], Add = [new("y", value)] }, "", problems).ShouldBeNull();
        problems.Count.ShouldBe(2);
    }

    [Fact]
    public void Build_Nothing_IsNull()
    {
        HeaderModifier.Build(null, "", []).ShouldBeNull();
        HeaderModifier.Build(new HeaderModifierConfig(), "", []).ShouldBeNull();
    }
}
