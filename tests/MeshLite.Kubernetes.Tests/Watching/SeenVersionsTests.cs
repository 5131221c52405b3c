using FsCheck;
using FsCheck.Fluent;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;

namespace MeshLite.Kubernetes.Tests.Watching;

public class SeenVersionsTests
{
    [Theory]
    [InlineData("10", "9", true)]
    [InlineData("9", "10", false)]
    [InlineData("10", "10", false)]
    [InlineData("18446744073709551616", "18446744073709551615", true)]
    [InlineData("10", null, true)]
    [InlineData("b", "a", true)]
    [InlineData("a", "b", true)]
    [InlineData("a", "a", false)]
    public void IsNewer_Versions_CompareAsNumbers(string version, string? than, bool expected) => SeenVersions.IsNewer(version, than).ShouldBe(expected);

    [Fact]
    public void Apply_OlderEvent_IsNotHandedOn()
    {
        var (seen, sink) = (new SeenVersions(), new RecordingSink<ConfigMap>());
        seen.Start([Map("a", 9)], sink);

        seen.Apply(Event(WatchEventType.Modified, Map("a", 8)), sink);
        seen.Apply(Event(WatchEventType.Deleted, Map("a", 9)), sink);

        sink.Calls.ShouldBe(["=a"]);
        sink.State.Values.ShouldHaveSingleItem().Metadata.ResourceVersion.ShouldBe("9");
    }

    [Fact]
    public void Apply_AnotherOfTheName_TheFirstIsDeletedBefore()
    {
        var (seen, sink) = (new SeenVersions(), new RecordingSink<ConfigMap>());
        seen.Start([Map("a", 9, "one")], sink);

        seen.Apply(Event(WatchEventType.Added, Map("a", 12, "two")), sink);
        seen.Apply(Event(WatchEventType.Deleted, Map("a", 11, "one")), sink);

        sink.Calls.ShouldBe(["=a", "-a", "+a"]);
    }

    [Fact]
    public void Follow_AnotherOfTheName_TheFirstIsDeletedBefore()
    {
        var (seen, sink) = (new SeenVersions(), new RecordingSink<ConfigMap>());
        seen.Start([Map("a", 9, "one"), Map("b", 3)], sink);

        seen.Follow([Map("a", 12, "two"), Map("b", 3)], sink);

        sink.Calls.ShouldBe(["=a,b", "-a", "+a"]);
    }

    [Fact]
    public void Follow_RestoredCluster_LowerVersionsAreTheTruth()
    {
        var (seen, sink) = (new SeenVersions(), new RecordingSink<ConfigMap>());
        seen.Start([Map("a", 9)], sink);

        seen.Follow([Map("a", 4)], sink);
        seen.Apply(Event(WatchEventType.Modified, Map("a", 5)), sink);

        sink.Calls.ShouldBe(["=a", "+a", "+a"]);
        sink.State.Values.Single().Metadata.ResourceVersion.ShouldBe("5");
    }

    /// <summary>However the way to a state is cut into lists and events, the sink ends there, having heard of no object that did not change.</summary>
    [Fact]
    public void Follow_AnyTwoStates_SinkEndsAtTheSecondAndHearsOnlyTheDifference()
    {
        var states = Gen.Choose(0, 3).ListOf(6).Select(versions => versions.Select((v, i) => (v, i)).Where(x => x.v > 0).Select(x => Map($"m{x.i}", x.v)).ToList());

        Prop.ForAll(states.Two().ToArbitrary(), pair =>
        {
            var (seen, sink) = (new SeenVersions(), new RecordingSink<ConfigMap>());
            seen.Start(pair.Item1, sink);
            seen.Follow(pair.Item2, sink);

            Versions(sink.State.Values).ShouldBe(Versions(pair.Item2));
            var differing = Versions(pair.Item1).Except(Versions(pair.Item2)).Union(Versions(pair.Item2).Except(Versions(pair.Item1))).Select(v => v.Split('@')[0]).Distinct();
            sink.Calls.Skip(1).Select(c => c[1..]).Order().ShouldBe(differing.Order());
            seen.Count.ShouldBe(pair.Item2.Count);
        }).QuickCheckThrowOnFailure();
    }

    private static List<string> Versions(IEnumerable<ConfigMap> maps) => [.. maps.Select(m => $"{m.Metadata.Name}@{m.Metadata.ResourceVersion}").Order()];

    private static ConfigMap Map(string name, int version, string? uid = null) =>
        new() { Metadata = new ObjectMeta { Namespace = "shop", Name = name, ResourceVersion = version.ToString(), Uid = uid ?? name } };

    private static WatchEvent<ConfigMap> Event(WatchEventType type, ConfigMap map) => new(type, map, map.Metadata.ResourceVersion!);
}
