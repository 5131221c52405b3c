using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>Server-side apply.</summary>
public abstract class ApplyContract(ContractServer server) : ContractCase(server)
{
    [Fact]
    public async Task Apply_Missing_Creates()
    {
        var applied = await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");

        Text(applied, "spec", "x").ShouldBe("1");
        applied.Metadata.Generation.ShouldBe(1);
    }

    [Fact]
    public async Task Apply_FieldNoLongerNamed_IsRemoved()
    {
        await ApplyAsync("a", "\"spec\": {\"x\": 1, \"y\": {\"z\": 1}}", "one");

        var applied = await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");

        Text(applied, "spec", "x").ShouldBe("1");
        Text(applied, "spec", "y", "z").ShouldBeNull();
    }

    [Fact]
    public async Task Apply_Same_ChangesNoVersion()
    {
        var first = await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");

        (await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one")).Metadata.ResourceVersion.ShouldBe(first.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Apply_OtherManagersFields_Stay()
    {
        await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");

        var applied = await ApplyAsync("a", "\"spec\": {\"y\": 1}", "two");

        Text(applied, "spec", "x").ShouldBe("1");
        Text(applied, "spec", "y").ShouldBe("1");
    }

    [Fact]
    public async Task Apply_OtherManagersFieldToAnotherValue_ConflictNamesIt()
    {
        await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");

        var error = await RefusedAsync(ApplyAsync("a", "\"spec\": {\"x\": 2}", "two"));

        error.Reason.ShouldBe(KubernetesReason.Conflict);
        error.Message.ShouldContain("\"one\"");
        error.Message.ShouldContain(".spec.x");
    }

    [Fact]
    public async Task Apply_SameValue_IsSharedUntilBothLetGo()
    {
        await ApplyAsync("a", "\"spec\": {\"x\": 1, \"k\": 1}", "one");
        await ApplyAsync("a", "\"spec\": {\"x\": 1}", "two");

        Text(await ApplyAsync("a", "\"spec\": {\"k\": 1}", "one"), "spec", "x").ShouldBe("1");
        Text(await ApplyAsync("a", "\"spec\": {\"q\": 1}", "two"), "spec", "x").ShouldBeNull();
    }

    [Fact]
    public async Task Apply_Forced_TakesTheField()
    {
        await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");

        Text(await ApplyAsync("a", "\"spec\": {\"x\": 2}", "two", force: true), "spec", "x").ShouldBe("2");
        // "one" has lost it: letting go of it removes nothing.
        Text(await ApplyAsync("a", "\"spec\": {\"y\": 1}", "one"), "spec", "x").ShouldBe("2");
    }

    [Fact]
    public async Task Apply_FieldThatAnUpdateSet_Conflict()
    {
        await CreateWidgetAsync("a", """{"x": 1}""");

        (await RefusedAsync(ApplyAsync("a", "\"spec\": {\"x\": 2}", "one"))).Reason.ShouldBe(KubernetesReason.Conflict);
        Text(await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one"), "spec", "x").ShouldBe("1");
    }

    [Fact]
    public async Task Apply_AfterAnUpdateTookTheField_Conflict()
    {
        await ApplyAsync("a", "\"spec\": {\"x\": 1}", "one");
        await Client.MergePatchAsync(ContractServer.Widgets, Key("a"), Utf8("""{"spec": {"x": 2}}"""));

        (await RefusedAsync(ApplyAsync("a", "\"spec\": {\"x\": 1}", "one"))).Reason.ShouldBe(KubernetesReason.Conflict);
    }

    [Fact]
    public async Task ApplyStatus_Conditions_OfTwoManagersStandSideBySide()
    {
        await CreateWidgetAsync("a");
        await ApplyStatusAsync("a", "\"status\": {\"conditions\": [{\"type\": \"A\", \"status\": \"True\"}]}", "one");

        await ApplyStatusAsync("a", "\"status\": {\"conditions\": [{\"type\": \"B\", \"status\": \"False\"}]}", "two");
        var last = await ApplyStatusAsync("a", "\"status\": {\"conditions\": [{\"type\": \"A\", \"status\": \"False\"}]}", "one");

        last.Json.GetProperty("status").GetProperty("conditions").EnumerateArray().Select(c => $"{c.GetProperty("type")}={c.GetProperty("status")}").ShouldBe(["A=False", "B=False"], ignoreOrder: true);
        last.Metadata.Generation.ShouldBe(1);
    }

    [Fact]
    public async Task ApplyStatus_ConditionNoLongerNamed_IsRemoved()
    {
        await CreateWidgetAsync("a");
        await ApplyStatusAsync("a", "\"status\": {\"conditions\": [{\"type\": \"A\", \"status\": \"True\"}, {\"type\": \"B\", \"status\": \"True\"}]}", "one");

        var last = await ApplyStatusAsync("a", "\"status\": {\"conditions\": [{\"type\": \"B\", \"status\": \"True\"}]}", "one");

        last.Json.GetProperty("status").GetProperty("conditions").EnumerateArray().ShouldHaveSingleItem().GetProperty("type").GetString().ShouldBe("B");
    }

    [Fact]
    public async Task ApplyStatus_Spec_IsIgnored()
    {
        await CreateWidgetAsync("a", """{"x": 1}""");

        var applied = await ApplyStatusAsync("a", "\"spec\": {\"x\": 2}, \"status\": {\"y\": 1}", "one");

        Text(applied, "spec", "x").ShouldBe("1");
        Text(applied, "status", "y").ShouldBe("1");
    }

    [Fact]
    public async Task ApplyStatus_Missing_NotFound() =>
        (await RefusedAsync(ApplyStatusAsync("a", "\"status\": {\"y\": 1}", "one"))).Reason.ShouldBe(KubernetesReason.NotFound);

    [Fact]
    public async Task Apply_Labels_OfABuiltInKind()
    {
        await CreateMapAsync("a", ("x", "1"));
        var body = $$$"""{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "{{{Ns}}}", "labels": {"l": "1"}} }""";

        var applied = await Client.ApplyAsync(ResourceTypes.ConfigMaps, Key("a"), Utf8(body), new ApplyOptions("one"));

        applied.Metadata.Label("l").ShouldBe("1");
        applied.Data["x"].ShouldBe("1");
    }
}
