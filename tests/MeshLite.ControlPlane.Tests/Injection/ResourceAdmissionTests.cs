using System.Text.Json;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Injection;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Injection;

public sealed class ResourceAdmissionTests
{
    private const string Good = """{"rules": [{"backendRefs": [{"name": "orders"}]}], "parentRefs": [{"kind": "Service", "name": "orders"}]}""";
    private const string Bad = """{"rules": [{"backendRef": [{"name": "orders"}]}], "parentRefs": [{"kind": "Service", "name": "orders"}]}""";

    [Fact]
    public void Review_Good_IsAccepted() => ResourceAdmission.Review(Request("CREATE", Good, null)).ShouldBe(AdmissionAnswer.Allowed("accepted"));

    [Theory]
    [InlineData("CREATE", null)]
    [InlineData("UPDATE", Good)]
    public void Review_Bad_IsRefusedByFieldAndObject(string operation, string? old)
    {
        var answer = ResourceAdmission.Review(Request(operation, Bad, old));

        (answer.Result, answer.Code).ShouldBe(("refused", 422));
        answer.Message.ShouldNotBeNull().ShouldContain("TrafficRoute shop/orders");
        answer.Message.ShouldContain("spec.rules[0].backendRef");
    }

    [Fact]
    public void Review_BadButStoredAlready_MayBeLabelled() => ResourceAdmission.Review(Request("UPDATE", Bad, Bad)).Message.ShouldBeNull();

    [Fact]
    public void Review_Deletion_IsAccepted() => ResourceAdmission.Review(Request("DELETE", null, Bad)).Message.ShouldBeNull();

    [Fact]
    public void Review_OfAnotherGroup_IsNotOurs() => ResourceAdmission.Review(Request("CREATE", Bad, null) with { Group = "gateway.networking.k8s.io" }).Message.ShouldBeNull();

    [Fact]
    public void Review_NestedTooDeep_SaysSo()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", YamlReader.MaxDepth)) + "1" + new string('}', YamlReader.MaxDepth);
        using var json = JsonDocument.Parse($$"""{"spec": {{deep}}}""", new JsonDocumentOptions { MaxDepth = 2 * YamlReader.MaxDepth });

        ResourceAdmission.Review(Request("CREATE", Good, null) with { Object = json.RootElement }).Message.ShouldBe("TrafficRoute: nested deeper than 64 levels");
    }

    private static AdmissionRequest Request(string operation, string? spec, string? oldSpec)
    {
        var review = new JsonObject
        {
            ["apiVersion"] = "admission.k8s.io/v1",
            ["kind"] = "AdmissionReview",
            ["request"] = new JsonObject
            {
                ["uid"] = "1",
                ["operation"] = operation,
                ["kind"] = new JsonObject { ["group"] = "meshlite.dev", ["version"] = "v1alpha1", ["kind"] = "TrafficRoute" },
                ["namespace"] = "shop",
                ["object"] = Object(spec),
                ["oldObject"] = Object(oldSpec),
            },
        };
        return AdmissionRequest.Read(JsonSerializer.SerializeToElement(review), out _).ShouldNotBeNull();
    }

    private static JsonObject? Object(string? spec) => spec is null ? null : new JsonObject
    {
        ["apiVersion"] = "meshlite.dev/v1alpha1",
        ["kind"] = "TrafficRoute",
        ["metadata"] = new JsonObject { ["name"] = "orders", ["namespace"] = "shop", ["uid"] = "x", ["managedFields"] = new JsonArray() },
        ["spec"] = JsonNode.Parse(spec),
        ["status"] = new JsonObject { ["anything"] = true },
    };
}
