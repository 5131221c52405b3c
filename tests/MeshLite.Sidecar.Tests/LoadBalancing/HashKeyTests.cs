using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.LoadBalancing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class HashKeyTests
{
    private static readonly HashKeyConfig Header = new(HashKeyType.Header, "x-user");
    private static readonly HashKeyConfig Cookie = new(HashKeyType.Cookie, "session");
    private static readonly HashKeyConfig Source = new(HashKeyType.Source, "");

    [Fact]
    public void Of_Header_IsItsValueWhateverElseTheRequestHolds()
    {
        var key = HashKey.Of(Header, new HeaderDictionary { ["X-User"] = "me" }, IPAddress.Loopback);

        key.ShouldNotBeNull();
        HashKey.Of(Header, new HeaderDictionary { ["x-user"] = "me", ["x-other"] = "1" }, null).ShouldBe(key);
        HashKey.Of(Header, new HeaderDictionary { ["x-user"] = "you" }, null).ShouldNotBe(key);
        HashKey.Of(Header, new HeaderDictionary { ["x-user"] = new StringValues(["me", "you"]) }, null).ShouldNotBe(key);
        HashKey.Of(Header, new HeaderDictionary { ["x-user"] = new StringValues(["me", "you"]) }, null)
            .ShouldNotBe(HashKey.Of(Header, new HeaderDictionary { ["x-user"] = new StringValues(["you", "me"]) }, null));
    }

    [Fact]
    public void Of_Cookie_IsItsValueWhateverElseTheRequestHolds()
    {
        var key = HashKey.Of(Cookie, new HeaderDictionary { ["Cookie"] = "session=abc" }, null);

        key.ShouldNotBeNull();
        HashKey.Of(Cookie, new HeaderDictionary { ["Cookie"] = "a=b; session=abc; c=d" }, IPAddress.Loopback).ShouldBe(key);
        HashKey.Of(Cookie, new HeaderDictionary { ["Cookie"] = "session=abd" }, null).ShouldNotBe(key);
    }

    [Fact]
    public void Of_Source_IsTheAddressInEitherForm()
    {
        var key = HashKey.Of(Source, new HeaderDictionary(), IPAddress.Parse("10.1.2.3"));

        key.ShouldNotBeNull();
        HashKey.Of(Source, new HeaderDictionary(), IPAddress.Parse("::ffff:10.1.2.3")).ShouldBe(key);
        HashKey.Of(Source, new HeaderDictionary(), IPAddress.Parse("10.1.2.4")).ShouldNotBe(key);
        HashKey.Of(Source, new HeaderDictionary(), IPAddress.Parse("fd00::1")).ShouldNotBe(HashKey.Of(Source, new HeaderDictionary(), IPAddress.Parse("fd00::2")));
    }

    [Fact]
    public void Of_RequestWithoutIt_IsNone()
    {
        HashKey.Of(Header, new HeaderDictionary(), IPAddress.Loopback).ShouldBeNull();
        HashKey.Of(Header, new HeaderDictionary { ["x-user"] = "" }, null).ShouldBeNull();
        HashKey.Of(Cookie, new HeaderDictionary { ["Cookie"] = "a=b" }, IPAddress.Loopback).ShouldBeNull();
        HashKey.Of(Cookie, new HeaderDictionary { ["Cookie"] = "session=" }, null).ShouldBeNull();
        HashKey.Of(Source, new HeaderDictionary { ["x-user"] = "me" }, null).ShouldBeNull();
    }

    [Fact]
    public void Of_Anything_AllocatesNothing()
    {
        var headers = new HeaderDictionary { ["x-user"] = "me", ["Cookie"] = "a=b; session=abc" };

        Allocations.Of(() =>
        {
            HashKey.Of(Header, headers, IPAddress.Loopback);
            HashKey.Of(Cookie, headers, IPAddress.Loopback);
            HashKey.Of(Source, headers, IPAddress.IPv6Loopback);
        }).ShouldBe(0);
    }
}
