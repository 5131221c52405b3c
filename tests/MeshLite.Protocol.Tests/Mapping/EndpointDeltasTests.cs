using FsCheck;
using FsCheck.Fluent;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Tests.Mapping;

public sealed class EndpointDeltasTests
{
    [Fact]
    public void Apply_DiffOfAnyTwoSets_GivesTheSecond() => Prop.ForAll(RandomResources.EndpointPairs, pair =>
    {
        var result = EndpointDeltas.Apply(pair.From, EndpointDeltas.Diff(pair.From, pair.To));
        return result.Equals(pair.To) && ContentHash.Of(result) == ContentHash.Of(pair.To);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Diff_OfEqualSets_IsEmptyAndNamesItsBase() => Prop.ForAll(RandomResources.EndpointPairs, pair =>
    {
        var delta = EndpointDeltas.Diff(pair.From, pair.From.Clone());
        return delta is { Upserted.Count: 0, Removed.Count: 0 } && delta.BaseVersion == ContentHash.Of(pair.From);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Diff_OneChanged_HoldsOnlyThat()
    {
        var from = new Endpoints { Endpoints_ = { Endpoint("10.0.0.1"), Endpoint("10.0.0.2"), Endpoint("fd00::1") } };
        var to = new Endpoints { Endpoints_ = { Endpoint("10.0.0.1"), new Endpoint { Address = "10.0.0.2", Port = 80, Weight = 3 } } };

        var delta = EndpointDeltas.Diff(from, to);

        delta.Upserted.ShouldHaveSingleItem().Weight.ShouldBe(3u);
        delta.Removed.ShouldBe(["[fd00::1]:80"]);
    }

    private static Endpoint Endpoint(string address) => new() { Address = address, Port = 80 };
}
