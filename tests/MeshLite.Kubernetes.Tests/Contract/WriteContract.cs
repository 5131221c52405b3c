using System.Text.Json;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>Create, replace, merge patch, status, delete.</summary>
public abstract class WriteContract(ContractServer server) : ContractCase(server)
{
    [Fact]
    public async Task Create_NewObject_IsThereWithWhatTheServerAdds()
    {
        var created = await CreateMapAsync("a", ("x", "1"));

        created.Metadata.Uid.ShouldNotBeNullOrEmpty();
        created.Metadata.ResourceVersion.ShouldNotBeNullOrEmpty();
        created.Metadata.CreationTimestamp.ShouldNotBeNull();
        var read = await Client.GetAsync(ResourceTypes.ConfigMaps, Key("a"));
        read.Data.ShouldBe(created.Data);
        read.Metadata.ResourceVersion.ShouldBe(created.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Create_Existing_AlreadyExists()
    {
        await CreateMapAsync("a");

        (await RefusedAsync(CreateMapAsync("a"))).Reason.ShouldBe(KubernetesReason.AlreadyExists);
    }

    [Fact]
    public async Task Create_WithVersion_IsRefused()
    {
        var map = NewMap("a") with { Metadata = new ObjectMeta { Namespace = Ns, Name = "a", ResourceVersion = "1" } };

        await RefusedAsync(Client.CreateAsync(ResourceTypes.ConfigMaps, map));
        (await Client.FindAsync(ResourceTypes.ConfigMaps, Key("a"))).ShouldBeNull();
    }

    [Fact]
    public async Task Create_NamespaceMissing_NotFound()
    {
        var map = NewMap("a") with { Metadata = new ObjectMeta { Namespace = "nowhere", Name = "a" } };

        var error = await RefusedAsync(Client.CreateAsync(ResourceTypes.ConfigMaps, map));

        error.Reason.ShouldBe(KubernetesReason.NotFound);
        error.Message.ShouldContain("cannot create configmaps nowhere/a");
        error.Message.ShouldContain("namespaces \"nowhere\" not found");
    }

    [Fact]
    public async Task Create_BadName_InvalidNamesTheField()
    {
        var error = await RefusedAsync(CreateMapAsync("No_Good"));

        error.Reason.ShouldBe(KubernetesReason.Invalid);
        error.Causes.ShouldContain(c => c.Field == "metadata.name");
    }

    [Fact]
    public async Task Create_GenerateName_ServerCompletesIt()
    {
        var map = NewMap("") with { Metadata = new ObjectMeta { Namespace = Ns, GenerateName = "made-" } };

        var (one, two) = (await Client.CreateAsync(ResourceTypes.ConfigMaps, map), await Client.CreateAsync(ResourceTypes.ConfigMaps, map));

        one.Metadata.Name.ShouldStartWith("made-");
        one.Metadata.Name.ShouldNotBe(two.Metadata.Name);
    }

    [Fact]
    public async Task Create_BadGenerateName_Invalid()
    {
        // The beginning must be a name by itself, but for a dash at its end.
        var map = NewMap("") with { Metadata = new ObjectMeta { Namespace = Ns, GenerateName = "made." } };

        (await RefusedAsync(Client.CreateAsync(ResourceTypes.ConfigMaps, map))).Causes.ShouldContain(c => c.Field == "metadata.generateName");
    }

    [Fact]
    public async Task Replace_AtItsVersion_ReplacesAndMovesOn()
    {
        var created = await CreateMapAsync("a", ("x", "1"), ("y", "1"));

        var replaced = await Client.ReplaceAsync(ResourceTypes.ConfigMaps, created with { Data = new Dictionary<string, string> { ["x"] = "2" } });

        replaced.Data.ShouldBe(new Dictionary<string, string> { ["x"] = "2" });
        ulong.Parse(replaced.Metadata.ResourceVersion!).ShouldBeGreaterThan(ulong.Parse(created.Metadata.ResourceVersion!));
        replaced.Metadata.Uid.ShouldBe(created.Metadata.Uid);
    }

    [Fact]
    public async Task Replace_AtOldVersion_Conflict()
    {
        var created = await CreateMapAsync("a", ("x", "1"));
        await Client.ReplaceAsync(ResourceTypes.ConfigMaps, created with { Data = new Dictionary<string, string> { ["x"] = "2" } });

        var error = await RefusedAsync(Client.ReplaceAsync(ResourceTypes.ConfigMaps, created with { Data = new Dictionary<string, string> { ["x"] = "3" } }));

        error.Reason.ShouldBe(KubernetesReason.Conflict);
        (await Client.GetAsync(ResourceTypes.ConfigMaps, Key("a"))).Data["x"].ShouldBe("2");
    }

    [Fact]
    public async Task Replace_BySame_ChangesNoVersion()
    {
        var created = await CreateMapAsync("a", ("x", "1"));

        var replaced = await Client.ReplaceAsync(ResourceTypes.ConfigMaps, created);

        replaced.Metadata.ResourceVersion.ShouldBe(created.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Replace_Missing_NotFound() =>
        (await RefusedAsync(Client.ReplaceAsync(ResourceTypes.ConfigMaps, NewMap("a")))).Reason.ShouldBe(KubernetesReason.NotFound);

    [Fact]
    public async Task Replace_UnknownFields_SurviveTheRoundTrip()
    {
        var map = NewMap("a") with { Others = new Dictionary<string, JsonElement> { ["binaryData"] = JsonElement.Parse("""{"b": "AAE="}""") } };
        var created = await Client.CreateAsync(ResourceTypes.ConfigMaps, map);

        var replaced = await Client.ReplaceAsync(ResourceTypes.ConfigMaps, created with { Data = new Dictionary<string, string> { ["x"] = "1" } });

        replaced.Others!["binaryData"].GetProperty("b").GetString().ShouldBe("AAE=");
    }

    [Fact]
    public async Task Replace_CustomWithoutVersion_Invalid()
    {
        await CreateWidgetAsync("a");

        var error = await RefusedAsync(Client.ReplaceAsync(ContractServer.Widgets, Widget("a", """{"x": 1}""")));

        error.Reason.ShouldBe(KubernetesReason.Invalid);
        error.Message.ShouldContain("metadata.resourceVersion");
    }

    [Fact]
    public async Task Replace_MissingLease_CreatesIt()
    {
        var lease = new Lease { Metadata = new ObjectMeta { Namespace = Ns, Name = "a" }, Spec = new LeaseSpec { HolderIdentity = "me", LeaseDurationSeconds = 12 } };

        (await Client.ReplaceAsync(ResourceTypes.Leases, lease)).Metadata.Uid.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task MergePatch_Fields_SetsAndRemovesThose()
    {
        await CreateMapAsync("a", ("x", "1"), ("y", "1"));

        var patched = await Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("a"), Utf8("""{"data": {"x": null, "z": "1"}, "metadata": {"labels": {"l": "1"}}}"""));

        patched.Data.ShouldBe(new Dictionary<string, string> { ["y"] = "1", ["z"] = "1" }, ignoreOrder: true);
        patched.Metadata.Label("l").ShouldBe("1");
    }

    [Fact]
    public async Task MergePatch_AtOldVersion_Conflict()
    {
        var created = await CreateMapAsync("a", ("x", "1"));
        await Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("a"), Utf8("""{"data": {"x": "2"}}"""));

        var patch = Utf8($$$"""{"metadata": {"resourceVersion": "{{{created.Metadata.ResourceVersion}}}"}, "data": {"x": "3"}}""");

        (await RefusedAsync(Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("a"), patch))).Reason.ShouldBe(KubernetesReason.Conflict);
    }

    [Fact]
    public async Task MergePatch_Missing_NotFound() =>
        (await RefusedAsync(Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("a"), Utf8("{}")))).Reason.ShouldBe(KubernetesReason.NotFound);

    [Fact]
    public async Task Create_CustomWithStatus_StatusIsLeftOut()
    {
        var created = await CreateWidgetAsync("a", """{"x": 1}""", """{"y": 1}""");

        created.Json.TryGetProperty("status", out _).ShouldBeFalse();
        created.Metadata.Generation.ShouldBe(1);
    }

    [Fact]
    public async Task Status_Writes_TouchNothingElse()
    {
        var created = await CreateWidgetAsync("a", """{"x": 1}""");
        var other = RawObject.Parse(created.Json.GetRawText().Replace("\"spec\":{\"x\":1}", "\"spec\":{\"x\":2},\"status\":{\"y\":1}", StringComparison.Ordinal));

        var replaced = await Client.ReplaceStatusAsync(ContractServer.Widgets, other);

        Text(replaced, "spec", "x").ShouldBe("1");
        Text(replaced, "status", "y").ShouldBe("1");
        var patched = await Client.MergePatchStatusAsync(ContractServer.Widgets, Key("a"), Utf8("""{"spec": {"x": 3}, "status": {"z": 1}}"""));
        Text(patched, "spec", "x").ShouldBe("1");
        Text(patched, "status", "y").ShouldBe("1");
        Text(patched, "status", "z").ShouldBe("1");
        patched.Metadata.Generation.ShouldBe(1);
    }

    [Fact]
    public async Task Status_OtherWrites_DoNotTouchIt()
    {
        await CreateWidgetAsync("a", """{"x": 1}""");
        await Client.MergePatchStatusAsync(ContractServer.Widgets, Key("a"), Utf8("""{"status": {"y": 1}}"""));

        var patched = await Client.MergePatchAsync(ContractServer.Widgets, Key("a"), Utf8("""{"spec": {"x": 2}, "status": {"y": 2}}"""));

        Text(patched, "spec", "x").ShouldBe("2");
        Text(patched, "status", "y").ShouldBe("1");
    }

    [Fact]
    public async Task Generation_CountsChangesOfTheSpecOnly()
    {
        await CreateWidgetAsync("a", """{"x": 1}""");

        (await Client.MergePatchAsync(ContractServer.Widgets, Key("a"), Utf8("""{"metadata": {"labels": {"l": "1"}}}"""))).Metadata.Generation.ShouldBe(1);
        (await Client.MergePatchAsync(ContractServer.Widgets, Key("a"), Utf8("""{"spec": {"x": 1}}"""))).Metadata.Generation.ShouldBe(1);
        (await Client.MergePatchAsync(ContractServer.Widgets, Key("a"), Utf8("""{"spec": {"x": 2}}"""))).Metadata.Generation.ShouldBe(2);
    }

    [Fact]
    public async Task ReplaceStatus_AtOldVersion_Conflict()
    {
        var created = await CreateWidgetAsync("a");
        await Client.MergePatchStatusAsync(ContractServer.Widgets, Key("a"), Utf8("""{"status": {"y": 1}}"""));

        (await RefusedAsync(Client.ReplaceStatusAsync(ContractServer.Widgets, created))).Reason.ShouldBe(KubernetesReason.Conflict);
    }

    [Fact]
    public async Task Delete_Existing_IsGone()
    {
        await CreateMapAsync("a");

        await Client.DeleteAsync(ResourceTypes.ConfigMaps, Key("a"));

        (await Client.FindAsync(ResourceTypes.ConfigMaps, Key("a"))).ShouldBeNull();
        (await RefusedAsync(Client.DeleteAsync(ResourceTypes.ConfigMaps, Key("a")))).Reason.ShouldBe(KubernetesReason.NotFound);
    }

    [Fact]
    public async Task Delete_AtOldVersion_Conflict()
    {
        var created = await CreateMapAsync("a", ("x", "1"));
        await Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("a"), Utf8("""{"data": {"x": "2"}}"""));

        (await RefusedAsync(Client.DeleteAsync(ResourceTypes.ConfigMaps, Key("a"), created.Metadata.ResourceVersion))).Reason.ShouldBe(KubernetesReason.Conflict);
    }

    [Fact]
    public async Task Delete_WithFinalizer_WaitsForIt()
    {
        await Client.CreateAsync(ResourceTypes.ConfigMaps, NewMap("a") with { Metadata = new ObjectMeta { Namespace = Ns, Name = "a", Finalizers = ["meshlite.dev/test"] } });

        await Client.DeleteAsync(ResourceTypes.ConfigMaps, Key("a"));

        (await Client.GetAsync(ResourceTypes.ConfigMaps, Key("a"))).Metadata.DeletionTimestamp.ShouldNotBeNull();
        await Client.MergePatchAsync(ResourceTypes.ConfigMaps, Key("a"), Utf8("""{"metadata": {"finalizers": null}}"""));
        (await Client.FindAsync(ResourceTypes.ConfigMaps, Key("a"))).ShouldBeNull();
    }

    [Fact]
    public async Task Secret_RoundTrip_KeepsBytes()
    {
        var secret = new Secret { Metadata = new ObjectMeta { Namespace = Ns, Name = "a" }, Type = "Opaque", Data = new Dictionary<string, byte[]> { ["k"] = [0, 1, 255] } };

        await Client.CreateAsync(ResourceTypes.Secrets, secret);

        var read = await Client.GetAsync(ResourceTypes.Secrets, Key("a"));
        read.Data["k"].ShouldBe([0, 1, 255]);
        read.Type.ShouldBe("Opaque");
    }

    [Fact]
    public async Task Event_WithItsRequiredFields_IsAccepted()
    {
        var about = await CreateMapAsync("a");
        var happened = new KubernetesEvent
        {
            Metadata = new ObjectMeta { Namespace = Ns, GenerateName = "a-" },
            EventTime = TimeProvider.System.GetUtcNow(),
            Type = "Warning",
            Reason = "Rejected",
            Action = "Compile",
            Note = "no such backend",
            Regarding = new ObjectReference { ApiVersion = "v1", Kind = "ConfigMap", Namespace = Ns, Name = "a", Uid = about.Metadata.Uid },
            ReportingController = "meshlite.dev/control-plane",
            ReportingInstance = "meshlite-0",
        };

        (await Client.CreateAsync(ResourceTypes.Events, happened)).Note.ShouldBe("no such backend");
    }
}
