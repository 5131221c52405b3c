using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Config;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Config;

public sealed class LastGoodFileTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly RecordingSink _sink = new();
    private readonly LastGoodFile _file;

    public LastGoodFileTests() => _file = new(_directory.Path, NullLogger.Instance);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Restore_OfSaved_GivesAllBackInASafeOrder()
    {
        _file.Save(Filled());

        var restored = new ResourceCache(_sink);
        _file.Restore(restored).ShouldBe(4);

        restored.ToUpdate().ShouldBe(Filled().ToUpdate());
        _sink.Calls[^1].ShouldBe("destination orders Service", "after the endpoints it names");
        File.GetUnixFileMode(_directory["config.json"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void Restore_WithoutFile_IsEmpty() => _file.Restore(new(_sink)).ShouldBe(0);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("\0\0")]
    [InlineData("""{"resources": 1}""")]
    [InlineData("""{"resources": [{"mesh": {"trustBundle": ["*"]}}]}""")]
    public void Restore_Unreadable_IsPutAside(string content)
    {
        File.WriteAllText(_directory["config.json"], content);

        _file.Restore(new(_sink)).ShouldBe(0);

        File.Exists(_directory["config.json"]).ShouldBeFalse();
        File.ReadAllText(_directory["config.json.bad"]).ShouldBe(content);
        _sink.Calls.ShouldBeEmpty();
    }

    [Fact]
    public void Restore_OneResourceChanged_DropsOnlyThat()
    {
        _file.Save(Filled());
        var path = _directory["config.json"];
        File.WriteAllText(path, File.ReadAllText(path).Replace("10.0.0.1", "10.0.0.2", StringComparison.Ordinal));

        var restored = new ResourceCache(_sink);
        _file.Restore(restored).ShouldBe(3);

        restored.Snapshot.ContainsKey(Resources.OrdersKey).ShouldBeFalse();
        restored.IsSufficient.ShouldBeTrue();
    }

    [Fact]
    public void Restore_OfAnyDamage_NeitherThrowsNorAppliesAnythingElse()
    {
        _file.Save(Filled());
        var path = _directory["config.json"];
        var good = File.ReadAllBytes(path);
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var r = new Random(seed);
            var damaged = good[..r.Next(good.Length / 2, good.Length + 1)];
            for (var i = r.Next(4); i > 0; i--)
            {
                damaged[r.Next(damaged.Length)] = (byte)r.Next(256);
            }

            File.WriteAllBytes(path, damaged);
            var restored = new ResourceCache(new RecordingSink());
            _file.Restore(restored);

            return restored.Snapshot.Values.All(Filled().Snapshot.Values.Contains);
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Restore_NameDamaged_IsPutAside()
    {
        _file.Save(Filled());
        var path = _directory["config.json"];
        File.WriteAllText(path, File.ReadAllText(path).Replace("destination/orders", "destination/orderz", StringComparison.Ordinal));

        _file.Restore(new(_sink)).ShouldBe(0);

        File.Exists(path + ".bad").ShouldBeTrue();
        _sink.Calls.ShouldBeEmpty();
    }

    private static ResourceCache Filled()
    {
        var cache = new ResourceCache(new RecordingSink());
        foreach (var resource in new[] { Resources.Mesh(), Resources.Workload(), Resources.Endpoints("10.0.0.1"), Resources.Destination("orders", DestinationKind.Service) })
        {
            cache.Apply(resource).ShouldBe(ApplyResult.Applied);
        }

        return cache;
    }
}
