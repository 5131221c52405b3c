using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class AuthorityNormalizerTests
{
    [Theory]
    [InlineData("orders", "orders", "orders", 0)]
    [InlineData("orders:80", "orders:80", "orders", 80)]
    [InlineData("Orders.SHOP.svc", "orders.shop.svc", "orders.shop.svc", 0)]
    [InlineData("orders.shop.", "orders.shop", "orders.shop", 0)]
    [InlineData("orders.shop.:8080", "orders.shop:8080", "orders.shop", 8080)]
    [InlineData("orders:", "orders", "orders", 0)]
    [InlineData("orders:0080", "orders:80", "orders", 80)]
    [InlineData("10.1.2.3:65535", "10.1.2.3:65535", "10.1.2.3", 65535)]
    [InlineData("my_service", "my_service", "my_service", 0)]
    [InlineData("[::1]", "[::1]", "[::1]", 0)]
    [InlineData("[2001:DB8:0:0:0:0:0:1]:80", "[2001:db8::1]:80", "[2001:db8::1]", 80)]
    [InlineData("[::1]:", "[::1]", "[::1]", 0)]
    public void TryNormalize_Authority_HasOneForm(string authority, string expected, string host, int port)
    {
        AuthorityNormalizer.TryNormalize(authority, out var key).ShouldBeTrue();

        key.Authority.ShouldBe(expected);
        key.Host.ToString().ShouldBe(host);
        key.Port.ShouldBe(port);
        if (authority == expected)
        {
            key.Authority.ShouldBeSameAs(authority);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(":80")]
    [InlineData("orders:0")]
    [InlineData("orders:65536")]
    [InlineData("orders:99999999999")]
    [InlineData("orders:+80")]
    [InlineData("orders: 80")]
    [InlineData("orders:80:80")]
    [InlineData("user@orders")]
    [InlineData("user:password@orders:80")]
    [InlineData("orders/path")]
    [InlineData("orders?x")]
    [InlineData("orders#x")]
    [InlineData("orders\\x")]
    [InlineData("or ders")]
    [InlineData("orders\r\n")]
    [InlineData("orders\0")]
    [InlineData("orders%2eshop")]
    [InlineData("bücher")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a..")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[::1]80")]
    [InlineData("[]")]
    [InlineData("[1.2.3.4]")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData("[fe80::1%eth0]")]
    [InlineData("[v1.x]")]
    [InlineData("[orders]")]
    public void TryNormalize_WhatIsNoAuthority_IsRefused(string? authority) => AuthorityNormalizer.TryNormalize(authority, out _).ShouldBeFalse();

    [Theory]
    [InlineData(253, true)]
    [InlineData(254, false)]
    public void TryNormalize_LongNames_EndWhereDnsDoes(int length, bool expected)
    {
        var name = string.Join('.', Enumerable.Repeat("abcdefghi", 26))[..length];
        name = name.EndsWith('.') ? name[..^1] + "x" : name;

        AuthorityNormalizer.TryNormalize(name, out _).ShouldBe(expected);
        AuthorityNormalizer.TryNormalize(name.ToUpperInvariant() + ".:65535", out _).ShouldBe(expected);
    }

    [Fact]
    public void TryNormalize_AnyText_EndsInAFixedPointOrIsRefused() =>
        Prop.ForAll(Gen.Elements('a', 'B', '.', ':', '[', ']', '0', '1', '9', '-', '_', '%', '@', '/', ' ', 'é', '~').ListOf().Select(string.Concat).ToArbitrary(), text =>
        {
            if (AuthorityNormalizer.TryNormalize(text, out var key))
            {
                key.Authority.ShouldBe(key.Authority.ToLowerInvariant());
                AuthorityNormalizer.TryNormalize(key.Authority, out var again).ShouldBeTrue();
                again.Authority.ShouldBeSameAs(key.Authority);
                again.ShouldBe(key);
                again.Port.ShouldBe(key.Port);
                (key.Port == 0 ? key.Host.ToString() : $"{key.Host}:{key.Port}").ShouldBe(key.Authority);
                AuthorityNormalizer.TryNormalize(text.ToUpperInvariant(), out var upper).ShouldBeTrue();
                upper.ShouldBe(key);
                upper.GetHashCode().ShouldBe(key.GetHashCode());
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryNormalize_NormalName_AllocatesNothing()
    {
        Allocations.Of(() => AuthorityNormalizer.TryNormalize("orders.shop:80", out _)).ShouldBe(0);
    }
}
