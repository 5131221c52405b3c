using System.Text;
using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class StableHashTests
{
    // From RFC 9923, appendix C.
    [Theory]
    [InlineData("", 0xCBF29CE484222325)]
    [InlineData("a", 0xAF63DC4C8601EC8C)]
    [InlineData("foobar", 0x85944171F73967E8)]
    public void Fnv1a_PublishedVectors_AreReproduced(string text, ulong expected) =>
        StableHash.Fnv1a(Encoding.UTF8.GetBytes(text)).ShouldBe(expected);

    [Fact]
    public void Of_AnyProcess_IsTheSame()
    {
        // All sidecars must agree, those of the next version too.
        StableHash.Of("user-1").ShouldBe(StableHash.Of(Encoding.Unicode.GetBytes("user-1")));
        StableHash.Of("user-1").ShouldBe(StableHash.Mix(StableHash.Fnv1a(Encoding.Unicode.GetBytes("user-1"))));
        StableHash.Mix(1).ShouldBe(0xB456BCFC34C2CB2C);
    }

    [Fact]
    public void Of_NumberedKeys_FillsTheRangeEvenly()
    {
        // 100,000 keys in 100 equal ranges: 1,000 each, ± five standard deviations.
        var ranges = new int[100];
        for (var i = 0; i < 100_000; i++)
        {
            ranges[(int)Math.BigMul(StableHash.Of($"user-{i}"), 100UL, out _)]++;
        }

        ranges.Min().ShouldBeGreaterThan(1_000 - 158);
        ranges.Max().ShouldBeLessThan(1_000 + 158);
    }

    [Fact]
    public void Of_OneBitOfTheKeyChanges_HalfOfTheResultDoes()
    {
        var changed = 0;
        for (var i = 0; i < 1_000; i++)
        {
            var key = Encoding.UTF8.GetBytes($"{i:D8}");
            var before = StableHash.Of(key);
            key[^1] ^= 1;
            changed += (int)ulong.PopCount(before ^ StableHash.Of(key));
        }

        (changed / 1_000.0).ShouldBe(32, 1);
    }
}
