using System.Globalization;
using MeshLite.Model;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class StickySplitTests
{
    private static readonly StickySplit ByCookie = new(new StickyConfig { Cookie = "meshlite-sticky" });
    private static readonly StickySplit ByHeader = new(new StickyConfig { Header = "x-user" });

    [Fact]
    public void Choose_CookieGivenBack_StaysWithItsBackendAndSetsNoOther()
    {
        var split = Split(50, 50);
        for (var caller = 0; caller < 100; caller++)
        {
            var first = ByCookie.Choose(split, new HeaderDictionary(), out var setCookie);
            var given = new HeaderDictionary { ["Cookie"] = "theme=dark; " + setCookie!.Split(';')[0] + "; lang=de" };
            for (var i = 0; i < 5; i++)
            {
                ByCookie.Choose(split, given, out var again).ShouldBe(first);
                again.ShouldBeNull();
            }
        }
    }

    [Fact]
    public void Choose_NewCallers_AreSplitExactly()
    {
        var split = Split(95, 5);

        var canary = Enumerable.Range(0, 10_000).Count(_ => ByCookie.Choose(split, new HeaderDictionary(), out var _) == 1);

        canary.ShouldBeInRange(495, 505);
    }

    [Fact]
    public void Choose_SetCookie_HoldsThePointAndTheAttributes()
    {
        var chosen = ByCookie.Choose(Split(50, 50), new HeaderDictionary(), out var setCookie);

        setCookie.ShouldNotBeNull().ShouldMatch("^meshlite-sticky=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax$");
        Split(50, 50).At(ulong.Parse(setCookie.AsSpan(16, 16), NumberStyles.HexNumber)).ShouldBe(chosen);

        new StickySplit(new StickyConfig { Cookie = "s", CookieTtl = TimeSpan.FromHours(1) }).Choose(Split(1, 1), new HeaderDictionary(), out setCookie);
        setCookie.ShouldNotBeNull().ShouldMatch("^s=[0-9a-f]{16}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax$");
    }

    [Theory]
    [InlineData("meshlite-sticky=")]
    [InlineData("meshlite-sticky=123")]
    [InlineData("meshlite-sticky=00000000000000001")]
    [InlineData("meshlite-sticky=000000000000000g")]
    [InlineData("meshlite-sticky= 00000000000000 ")]
    [InlineData("meshlite-sticky=+00000000000000a")]
    [InlineData("Meshlite-Sticky=0000000000000000")]
    [InlineData("xmeshlite-sticky=0000000000000000")]
    [InlineData("meshlite-sticky")]
    [InlineData(";;=;")]
    public void Choose_MalformedCookie_IsLikeNone(string cookie)
    {
        ByCookie.Choose(Split(1, 1), new HeaderDictionary { ["Cookie"] = cookie }, out var setCookie);

        setCookie.ShouldNotBeNull();
    }

    [Fact]
    public void Choose_SameHeader_IsTheSameBackendInEverySidecar()
    {
        var shares = new int[2];
        for (var user = 0; user < 10_000; user++)
        {
            var headers = new HeaderDictionary { ["x-user"] = $"user-{user}" };
            var chosen = ByHeader.Choose(Split(80, 20), headers, out var setCookie);
            setCookie.ShouldBeNull();
            ByHeader.Choose(Split(80, 20, seed: user), headers, out _).ShouldBe(chosen);
            shares[chosen]++;
        }

        // Four standard deviations of independent choices: 4·√(0.2·0.8/10,000).
        (shares[1] / 10_000.0).ShouldBe(0.2, 0.016);
    }

    [Fact]
    public void Choose_NoHeader_IsSplitAnewEachTime()
    {
        var split = Split(50, 50);
        foreach (var headers in new[] { new HeaderDictionary(), new HeaderDictionary { ["x-user"] = "" } })
        {
            Enumerable.Range(0, 100).Count(_ => ByHeader.Choose(split, headers, out var _) == 1).ShouldBeInRange(48, 52);
        }
    }

    [Fact]
    public void Choose_NoBackendHasAWeight_IsNoneAndSetsNoCookie()
    {
        ByCookie.Choose(Split(0, 0), new HeaderDictionary(), out var setCookie).ShouldBe(-1);

        setCookie.ShouldBeNull();
    }

    [Fact]
    public void Choose_CallerIsKnown_AllocatesNothing()
    {
        var split = Split(50, 50);
        var byCookie = new HeaderDictionary { ["Cookie"] = "a=b; meshlite-sticky=0123456789abcdef" };
        var byHeader = new HeaderDictionary { ["x-user"] = "me" };

        Allocations.Of(() =>
        {
            ByCookie.Choose(split, byCookie, out _);
            ByHeader.Choose(split, byHeader, out _);
        }).ShouldBe(0);
    }

    private static WeightedSplit Split(int first, int second, int seed = 1) =>
        new([new WeightedBackendConfig(0, first), new WeightedBackendConfig(1, second)], new Random(seed));
}
