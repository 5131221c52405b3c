using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class RingHashPickerTests
{
    private const int Keys = 20_000;

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Pick_OneOfAnyNumberGoes_OnlyItsKeysMoveAndTheyAreAboutOneInN() =>
        Prop.ForAll(Gen.Choose(2, 30).ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (count, seed) =>
        {
            var endpoints = Endpoints(count, seed);
            var gone = endpoints[seed % count];
            var before = Create(endpoints);
            var after = Create([.. endpoints.Where(e => e != gone)]);

            var moved = 0;
            for (var i = 0; i < Keys; i++)
            {
                var was = Pick(before, i);
                var isNow = Pick(after, i);
                (was != gone && isNow != was).ShouldBeFalse();
                moved += was == gone ? 1 : 0;
            }

            // A share of 1/n with a standard deviation of 1/√160 of itself, and that of the keys drawn: five of both.
            ((double)moved / Keys * count).ShouldBe(1, 5 * (Math.Sqrt(1 / 160.0) + Math.Sqrt((double)count / Keys)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_OneGoes_ItsKeysSpreadOverAllOthers()
    {
        var endpoints = Endpoints(10, 1);
        var before = Create(endpoints);
        var after = Create(endpoints[1..]);

        var heirs = Enumerable.Range(0, Keys).Where(i => Pick(before, i) == endpoints[0]).CountBy(i => Pick(after, i)).ToDictionary();

        heirs.Count.ShouldBe(9);
        heirs.Values.Max().ShouldBeLessThan(heirs.Values.Sum() / 3);
    }

    [Fact]
    public void Pick_OneComes_TakesItsKeysFromAllAndNoneChangesBetweenTheOthers()
    {
        var endpoints = Endpoints(10, 1);
        var before = Create(endpoints[1..]);
        var after = Create(endpoints);

        Enumerable.Range(0, Keys).Where(i => Pick(before, i) != Pick(after, i)).ShouldAllBe(i => Pick(after, i) == endpoints[0]);
    }

    [Fact]
    public void Pick_AnyWeights_SharesAreProportional()
    {
        int[] weights = [1, 2, 5, 8];
        var endpoints = weights.Select((weight, i) => new TestEndpoint(_time, weight) { HashId = StableHash.Of($"e{i}") }).ToArray();
        var picker = Create(endpoints);

        for (var i = 0; i < Keys; i++)
        {
            Pick(picker, i).Picked++;
        }

        foreach (var endpoint in endpoints)
        {
            ((double)endpoint.Picked / Keys / (endpoint.Weight / 16.0)).ShouldBe(1, 0.2);
        }
    }

    [Fact]
    public void Pick_AnotherSidecar_AgreesWhateverTheOrderOfItsListAndItsChance()
    {
        var endpoints = Endpoints(7, 1);
        var here = Create(endpoints);
        var there = new RingHashPicker<TestEndpoint>([.. endpoints.Reverse()], new Random(99));

        Enumerable.Range(0, 1000).ShouldAllBe(i => Pick(here, i) == Pick(there, i));
    }

    [Fact]
    public void Pick_OneIsOutOrTried_ItsKeysGoWhereTheyWouldGoWithoutItAndTheOthersStay() =>
        Prop.ForAll(Gen.Choose(2, 10).ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (count, seed) =>
        {
            var endpoints = Endpoints(count, seed);
            var away = endpoints[seed % count];
            var all = Create(endpoints);
            var without = Create([.. endpoints.Where(e => e != away)]);
            var tried = default(ExcludedEndpoints);
            tried.Add(away);
            for (var i = 0; i < 500; i++)
            {
                var key = Key(i);
                all.Pick(in tried, key, anyOut: false).Endpoint.ShouldBe(Pick(without, i));
                away.IsOut = true;
                all.Pick(default, key, anyOut: true).Endpoint.ShouldBe(Pick(without, i));
                away.IsOut = false;
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_OutAndMayBeProbed_OnlyByItsOwnKeys()
    {
        var endpoints = Endpoints(5, 1);
        var picker = Create(endpoints);
        var foreign = Enumerable.Range(0, 100).Where(i => Pick(picker, i) != endpoints[2]).ToArray();
        var own = Enumerable.Range(0, 100).First(i => Pick(picker, i) == endpoints[2]);
        endpoints[2].IsOut = true;
        endpoints[2].Probes = 1;

        foreign.ShouldAllBe(i => !picker.Pick(default, Key(i), true).IsProbe);

        picker.Pick(default, Key(own), true).ShouldBe(new Picked<TestEndpoint>(endpoints[2], true));
        picker.Pick(default, Key(own), true).IsProbe.ShouldBeFalse();
    }

    [Fact]
    public void Pick_NoKey_GoesAnywhereByWeight()
    {
        var endpoints = new[] { 1, 3 }.Select((weight, i) => new TestEndpoint(_time, weight) { HashId = (ulong)i }).ToArray();
        var picker = Create(endpoints);

        for (var i = 0; i < Keys; i++)
        {
            picker.Pick(default)!.Picked++;
        }

        (endpoints[1].Picked / (double)Keys).ShouldBe(0.75, 0.02);
    }

    [Theory]
    [InlineData(3000, 1)]
    [InlineData(20, 1000)]
    public void Pick_MorePointsThanARingHolds_EveryoneStillHasAShare(int count, int weight)
    {
        var endpoints = Enumerable.Range(0, count).Select(i => new TestEndpoint(_time, weight) { HashId = StableHash.Mix((ulong)i) }).ToArray();
        var picker = Create(endpoints);

        for (var i = 0; i < 50 * count; i++)
        {
            Pick(picker, i).Picked++;
        }

        endpoints.Count(e => e.Picked == 0).ShouldBe(0);
    }

    private static ulong Key(int i) => StableHash.Of($"user-{i}");

    private static TestEndpoint Pick(RingHashPicker<TestEndpoint> picker, int key) => picker.Pick(default, Key(key), anyOut: false).Endpoint!;

    private static RingHashPicker<TestEndpoint> Create(TestEndpoint[] endpoints) => new(endpoints, new Random(1));

    private TestEndpoint[] Endpoints(int count, int seed) =>
        [.. Enumerable.Range(0, count).Select(i => new TestEndpoint(_time) { HashId = StableHash.Of($"10.0.{seed}.{i}:80") })];
}
