using System.Text.Json;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Status;
using MeshLite.ControlPlane.Tests.Compile;

namespace MeshLite.ControlPlane.Tests.Status;

public sealed class StatusBuilderTests
{
    private const string Service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {ports: [{port: 80}]}";
    private const string Policy = "apiVersion: meshlite.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: p, namespace: shop}\nspec: {targetRef: {kind: Service, name: orders}}";

    private static readonly ResourceKey Key = new(ResourceKind.TrafficPolicy, "shop", "p");
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-01-01T00:01:00Z");

    [Theory]
    [InlineData(40, 40, 0, 0, 0, "True Programmed 40/40 sidecars")]
    [InlineData(0, 0, 0, 0, 0, "True Programmed 0/0 sidecars")]
    [InlineData(40, 37, 0, 0, 0, "False Pending 37/40 sidecars")]
    [InlineData(40, 37, 0, 1, 0, "False Pending 37/40 sidecars, 1 replica not heard")]
    [InlineData(40, 40, 0, 2, 0, "Unknown Pending 40/40 sidecars, 2 replicas not heard")]
    [InlineData(40, 40, 0, 0, 1, "Unknown Pending 40/40 sidecars, 1 replica has not seen this version yet")]
    [InlineData(40, 39, 1, 0, 0, "False Rejected 39/40 sidecars; 1 refused it: too odd")]
    public void Build_InForce_ProgrammedSaysHowFar(int sidecars, int current, int refused, int unheard, int behind, string expected)
    {
        var status = Build(new Rollout(sidecars, current, refused, refused > 0 ? "too odd" : "", unheard, behind), Service, Policy)!;

        Text(status, "Accepted").ShouldBe("True Accepted the TrafficPolicy holds");
        Text(status, "ResolvedRefs").ShouldBe("True ResolvedRefs everything it names exists");
        Text(status, "Programmed").ShouldBe(expected);
        status.ObservedGeneration.ShouldBe(3);
    }

    [Fact]
    public void Build_TargetMissing_NotAcceptedNorProgrammed()
    {
        var status = Build(new Rollout(1, 1, 0, "", 0, 0), Policy)!;

        Text(status, "Accepted").ShouldBe("False TargetNotFound spec.targetRef: Service shop/orders does not exist");
        status["Programmed"]!.Reason.ShouldBe("Invalid");
    }

    [Fact]
    public void Build_SecondPolicyOfAService_Conflicted()
    {
        var status = Build(default, Service, Policy, Policy.Replace("name: p,", "name: o,", StringComparison.Ordinal))!;

        Text(status, "Accepted").ShouldStartWith("False Conflicted spec.targetRef: Service shop/orders has the older TrafficPolicy shop/o");
    }

    [Fact]
    public void Build_RouteToNothing_RefsAreNotResolvedButItHolds()
    {
        const string route = "apiVersion: meshlite.dev/v1alpha1\nkind: TrafficRoute\nmetadata: {name: r, namespace: shop}\nspec: {parentRefs: [{kind: Service, name: orders}], rules: [{backendRefs: [{name: gone}]}]}";
        var status = Build(new(ResourceKind.TrafficRoute, "shop", "r"), new Rollout(1, 1, 0, "", 0, 0), ObjectStatus.None, Service, route)!;

        status["Accepted"]!.Status.ShouldBe("True");
        Text(status, "ResolvedRefs").ShouldBe("False BackendNotFound spec.rules[0].backendRefs[0]: Service shop/gone does not exist; requests sent there fail");
        Text(status, "Programmed").ShouldBe("True Programmed 1/1 sidecars");
    }

    [Fact]
    public void Build_Refused_SaysWhatTheReaderSaid()
    {
        var view = View(Service, Policy);
        view = view with { Refusals = view.Refusals.Add(Key, new Refusal(4, [new ResourceError("", 1, "", "spec.timeouts", "is no duration"), new ResourceError("", 1, "", "spec.tpyo", "unknown")])) };
        var item = Item(Key, 4, ObjectStatus.None);

        var status = StatusBuilder.Build(view, item, default, Now)!;

        Text(status, "Accepted").ShouldBe("False Invalid spec.timeouts: is no duration; spec.tpyo: unknown");
        Text(status, "Programmed").ShouldBe("False Invalid not accepted; the last good version stays in force");
        StatusBuilder.Build(view, item with { Generation = 5 }, default, Now).ShouldBeNull();
    }

    [Fact]
    public void Build_IndexIsBehind_NothingIsSaid() =>
        StatusBuilder.Build(View(Service, Policy), Item(Key, 4, ObjectStatus.None), default, Now).ShouldBeNull();

    [Fact]
    public void Build_SameStatus_TransitionTimeIsKept()
    {
        var long_ago = DateTimeOffset.Parse("2025-01-01T00:00:00Z");
        var before = new ObjectStatus(2,
        [
            new Condition("Accepted", "True", "Accepted", "older words") { LastTransitionTime = long_ago },
            new Condition("Programmed", "True", "Programmed", "3/3 sidecars") { LastTransitionTime = long_ago },
            new Condition("Somebodys", "True", "Own", "stays") { LastTransitionTime = long_ago },
        ]);

        var status = Build(Key, new Rollout(4, 3, 0, "", 0, 0), before, Service, Policy)!;

        status["Accepted"]!.LastTransitionTime.ShouldBe(long_ago);
        status["Programmed"]!.LastTransitionTime.ShouldBe(Now);
        status["Somebodys"].ShouldBe(before["Somebodys"]);
        status.Says(before).ShouldBeFalse();
        status.Says(status with { Conditions = [.. status.Conditions.Select(c => c with { LastTransitionTime = default })] }).ShouldBeTrue();
    }

    [Fact]
    public void ToPatch_ReadAgain_IsTheSame()
    {
        var status = Build(new Rollout(4, 3, 0, "", 0, 0), Service, Policy)!;

        using var json = JsonDocument.Parse(status.ToPatch("17"));

        json.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString().ShouldBe("17");
        var read = ObjectStatus.Read(json.RootElement);
        read.ObservedGeneration.ShouldBe(3);
        read.Conditions.ShouldBe(status.Conditions);
    }

    [Fact]
    public void Condition_LongMessage_IsCut() => new Condition("A", "True", "R", new string('x', 5000)).Message.Length.ShouldBe(1024);

    private static string Text(ObjectStatus status, string type) => $"{status[type]!.Status} {status[type]!.Reason} {status[type]!.Message}";

    private static ObjectStatus? Build(Rollout rollout, params string[] documents) => Build(Key, rollout, ObjectStatus.None, documents);

    private static ObjectStatus? Build(ResourceKey key, Rollout rollout, ObjectStatus before, params string[] documents) =>
        StatusBuilder.Build(View(documents), Item(key, 3, before), rollout, Now);

    private static StoredObject Item(ResourceKey key, long generation, ObjectStatus before) => new(key, "u", generation, "1", default, before);

    // Standalone documents have no generation: here they are the third. All of one age.
    private static IndexView View(params string[] documents) => documents.SelectMany(d => MeshCase.Parse(d).Changes).Aggregate(
        IndexView.Empty,
        (view, change) => IndexReducer.Apply(view, change is ResourceChange { Value: { } value } r ? r with { Value = value with { Generation = 3, Origin = default } } : change, new HashSet<IndexKey>()));
}
