using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>Get, list, selectors, pages.</summary>
public abstract class ReadContract(ContractServer server) : ContractCase(server)
{
    [Fact]
    public async Task Get_Missing_NotFoundSaysWhatWasAsked()
    {
        var error = await RefusedAsync(Client.GetAsync(ResourceTypes.ConfigMaps, Key("a")));

        error.Reason.ShouldBe(KubernetesReason.NotFound);
        error.Message.ShouldBe($"cannot get configmaps {Ns}/a: configmaps \"a\" not found (404)");
    }

    [Fact]
    public async Task List_UnknownKind_NotFound()
    {
        var unknown = ResourceTypes.Raw("nowhere.meshlite.dev", "v1", "nothings", "Nothing", isNamespaced: true);

        (await RefusedAsync(Client.ListAsync(unknown))).Reason.ShouldBe(KubernetesReason.NotFound);
    }

    [Fact]
    public async Task List_OfNothing_IsEmptyWithAVersion()
    {
        var page = await Client.ListAsync(ResourceTypes.ConfigMaps, new Selection { Namespace = Ns, LabelSelector = "none=there" });

        page.Items.ShouldBeEmpty();
        page.Continue.ShouldBeNull();
        ulong.Parse(page.ResourceVersion).ShouldBeGreaterThan(0UL);
    }

    [Fact]
    public async Task ListPage_Limit_PagesAreOneStateInOrder()
    {
        for (var i = 0; i < 7; i++)
        {
            await CreateMapAsync($"m{i}", ("x", "old"));
        }

        var selection = new Selection { Namespace = Ns, FieldSelector = "metadata.name!=kube-root-ca.crt" };
        var first = await Client.ListPageAsync(ResourceTypes.ConfigMaps, selection, 3);
        await Client.DeleteAsync(ResourceTypes.ConfigMaps, Key("m5"));
        await Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("m4"), Utf8("""{"data": {"x": "new"}}"""));
        await CreateMapAsync("m9");
        var second = await Client.ListPageAsync(ResourceTypes.ConfigMaps, selection, 3, first.Continue);
        var third = await Client.ListPageAsync(ResourceTypes.ConfigMaps, selection, 3, second.Continue);

        first.Items.Concat(second.Items).Concat(third.Items).Select(m => m.Metadata.Name).ShouldBe(["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
        second.Items[1].Data["x"].ShouldBe("old");
        third.Continue.ShouldBeNull();
        ((string[])[second.ResourceVersion, third.ResourceVersion]).ShouldAllBe(v => v == first.ResourceVersion);
    }

    [Fact]
    public async Task List_Everything_AllPages()
    {
        for (var i = 0; i < 5; i++)
        {
            await CreateWidgetAsync($"w{i}");
        }

        var page = await Client.ListAsync(ContractServer.Widgets, new Selection { Namespace = Ns });

        page.Items.Select(w => w.Metadata.Name).ShouldBe(["w0", "w1", "w2", "w3", "w4"]);
        page.Items.ShouldAllBe(w => w.Json.GetProperty("kind").GetString() == "Widget");
    }

    [Theory]
    [InlineData("app=a", "one,three")]
    [InlineData("app!=a", "none,two")]
    [InlineData("app in (a, b)", "one,three,two")]
    [InlineData("app notin (a,c)", "none,two")]
    [InlineData("app", "one,three,two")]
    [InlineData("!app", "none")]
    [InlineData("app=a,tier=web", "three")]
    [InlineData("app==b", "two")]
    public async Task List_LabelSelector_Matches(string selector, string expected)
    {
        foreach (var (name, labels) in ((string, string)[])[("none", "{}"), ("one", """{"app": "a"}"""), ("two", """{"app": "b"}"""), ("three", """{"app": "a", "tier": "web"}""")])
        {
            await Client.CreateAsync(ContractServer.Widgets, RawObject.Parse(
                $$$"""{"apiVersion": "contract.meshlite.dev/v1", "kind": "Widget", "metadata": {"name": "{{{name}}}", "namespace": "{{{Ns}}}", "labels": {{{labels}}}}}"""));
        }

        var page = await Client.ListAsync(ContractServer.Widgets, new Selection { Namespace = Ns, LabelSelector = selector });

        string.Join(',', page.Items.Select(w => w.Metadata.Name)).ShouldBe(expected);
    }

    [Fact]
    public async Task List_FieldSelector_OfName()
    {
        await CreateWidgetAsync("a");
        await CreateWidgetAsync("b");

        var page = await Client.ListAsync(ContractServer.Widgets, new Selection { Namespace = Ns, FieldSelector = "metadata.name=b" });

        page.Items.ShouldHaveSingleItem().Metadata.Name.ShouldBe("b");
    }

    [Fact]
    public async Task List_FieldSelector_Unsupported_BadRequest() =>
        (await RefusedAsync(Client.ListAsync(ContractServer.Widgets, new Selection { FieldSelector = "spec.x=1" }))).Reason.ShouldBe(KubernetesReason.BadRequest);

    [Fact]
    public async Task List_AcrossNamespaces_HasThemAll()
    {
        await CreateWidgetAsync("a");

        (await Client.ListAsync(ContractServer.Widgets)).Items.ShouldContain(w => w.Metadata.Key == Key("a"));
    }
}
