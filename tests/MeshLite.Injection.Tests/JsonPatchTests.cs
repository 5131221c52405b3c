using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace MeshLite.Injection.Tests;

public sealed class JsonPatchTests
{
    private static readonly string[] Names = ["a", "b/c", "d~e", "", "~1"];

    [Fact]
    public void Between_AnyTwo_MakesOneOfTheOther() =>
        Prop.ForAll(Json(4).Two().ToArbitrary(), pair =>
        {
            var (before, after) = (Parse(pair.Item1), Parse(pair.Item2));
            var patched = PatchReader.Apply(before, JsonPatch.Between(before, after));
            return JsonNode.DeepEquals(patched, after);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Between_Equals_IsEmpty() =>
        Prop.ForAll(Json(4).ToArbitrary(), json => JsonPatch.Between(Parse(json), Parse(json)).Count == 0).QuickCheckThrowOnFailure();

    [Fact]
    public void Between_ItemsPutFirst_AddsOnlyThose()
    {
        var patch = JsonPatch.Between(JsonNode.Parse("""[{"x":1},{"y":2}]""")!, JsonNode.Parse("""["first","second",{"x":1},{"y":3}]""")!);

        patch.Select(o => $"{o!["op"]} {o["path"]} {o["value"]!.ToJsonString()}").ShouldBe(["add /0 \"first\"", "add /1 \"second\"", "replace /3/y 3"]);
    }

    private static JsonNode Parse(string json) => JsonNode.Parse(json)!["v"]!;

    // Documents as texts, so that FsCheck prints what fails; the value is never null at the root.
    private static Gen<string> Json(int depth) => Value(depth).Where(value => value != "null").Select(value => $$"""{"v":{{value}}}""");

    private static Gen<string> Value(int depth)
    {
        var scalar = Gen.Elements("null", "true", "1", "2", "\"x\"", "\"y\"");
        return depth == 0 ? scalar : Gen.OneOf(
            scalar,
            Gen.ListOf(Value(depth - 1)).Select(items => $"[{string.Join(',', items.Take(4))}]"),
            Gen.Elements(Names).Zip(Value(depth - 1)).ListOf().Select(fields => "{" + string.Join(',', fields.DistinctBy(f => f.Item1).Select(f => $"\"{f.Item1}\":{f.Item2}")) + "}"));
    }
}
