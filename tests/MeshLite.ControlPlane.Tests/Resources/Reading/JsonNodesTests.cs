using System.Text.Json;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class JsonNodesTests
{
    private static readonly ResourceOrigin Origin = ResourceOrigin.InCluster(DateTimeOffset.UnixEpoch);

    public static TheoryData<int> EveryField => [.. Enumerable.Range(0, FieldCoverageTests.EveryField.Length)];

    [Theory]
    [MemberData(nameof(EveryField))]
    public void Read_WrittenAsJson_GivesTheSameNodes(int document)
    {
        var node = FieldCoverageTests.EveryField[document];
        var json = ClusterCase.JsonOf(node)!.ToJsonString();

        var read = JsonNodes.Read(Parse(json), out var problem);

        problem.ShouldBeNull();
        ClusterCase.JsonOf(read!)!.ToJsonString().ShouldBe(json);
    }

    [Fact]
    public void ReadObject_AsTheApiServerGivesIt_IsReadStrictlyButForItsOwnFields()
    {
        var result = Read("""
            {"apiVersion": "meshlite.dev/v1alpha1", "kind": "TrafficPolicy",
             "metadata": {"name": "orders", "namespace": "shop", "uid": "1", "resourceVersion": "7", "generation": 2, "creationTimestamp": "1970-01-01T00:00:00Z",
               "managedFields": [{"manager": "kubectl"}], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}, "finalizers": ["x"]},
             "spec": {"targetRef": {"kind": "Service", "name": "orders"}, "timeouts": {"connect": "2s"}},
             "status": {"conditions": []}}
            """);

        result.Errors.ShouldBeEmpty();
        result.Resource.ShouldBeOfType<TrafficPolicyResource>().ConnectTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        result.Key.ShouldBe(new ResourceKey(ResourceKind.TrafficPolicy, "shop", "orders"));
    }

    [Fact]
    public void ReadObject_UnknownFieldOfTheSpec_SaysWhereWithoutALine() =>
        Read("""{"apiVersion": "meshlite.dev/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "orders", "namespace": "shop"}, "spec": {"targetRef": {"kind": "Service", "name": "orders"}, "tiemouts": {}}}""")
            .Errors.ShouldHaveSingleItem().ToString().ShouldStartWith("TrafficPolicy shop/orders: spec.tiemouts: unknown field");

    [Theory]
    [InlineData("1", ScalarKind.Integer)]
    [InlineData("-1", ScalarKind.Integer)]
    [InlineData("1.5", ScalarKind.Number)]
    [InlineData("1e3", ScalarKind.Number)]
    [InlineData("true", ScalarKind.Boolean)]
    [InlineData("false", ScalarKind.Boolean)]
    [InlineData("null", ScalarKind.Null)]
    [InlineData("\"1\"", ScalarKind.Text)]
    public void Read_Scalar_HasItsKind(string json, object kind) => JsonNodes.Read(Parse(json), out _).ShouldBeOfType<ScalarNode>().Kind.ShouldBe((ScalarKind)kind);

    [Fact]
    public void Read_FieldGivenTwice_IsKeptTwice() =>
        JsonNodes.Read(Parse("""{"a": 1, "a": 2}"""), out _).ShouldBeOfType<MapNode>().Fields.Length.ShouldBe(2);

    [Fact]
    public void Read_TooDeep_Refused()
    {
        var json = new string('[', 70) + new string(']', 70);

        JsonNodes.Read(JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 100 }).RootElement, out var problem).ShouldBeNull();

        problem.ShouldBe("nested deeper than 64 levels");
    }

    [Fact]
    public void Read_TooLarge_Refused()
    {
        JsonNodes.Read(Parse($"[{string.Join(',', Enumerable.Repeat("0", YamlReader.MaxNodes))}]"), out var problem).ShouldBeNull();

        problem.ShouldBe($"more than {YamlReader.MaxNodes} values");
    }

    private static DocumentResult Read(string json) => DocumentReader.Read(JsonNodes.ReadObject(Parse(json), out _)!, Origin);

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
