using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Tests.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http1;

public sealed class FieldStringsTests
{
    private static readonly string[] Names = ["date", "Date", "Set-Cookie", "x-a", "x-\u00e9"];

    private readonly FieldStrings _strings = new();

    [Theory]
    [InlineData(0, true)]
    [InlineData(23, true)]
    [InlineData(24, false)]
    [InlineData(int.MaxValue, false)]
    public void Get_SameAgain_IsTheSameText_AtTheFirstPlaces(int place, bool isSame) =>
        ReferenceEquals(_strings.Get(place, "date"u8, "now"u8), _strings.Get(place, "date"u8, "now"u8)).ShouldBe(isSame);

    [Fact]
    public void Get_SameNameOnly_KeepsTheName() => _strings.Get(0, "date"u8, "now"u8).Name.ShouldBeSameAs(_strings.Get(0, "date"u8, "then"u8).Name);

    /// <summary>What is long, or of one user, is not kept.</summary>
    [Theory]
    [InlineData("x-a", 64, true)]
    [InlineData("x-a", 65, false)]
    [InlineData("SET-cookie", 1, false)]
    public void Get_LongOrOfAUser_IsNotKept(string name, int length, bool isKept)
    {
        var (nameBytes, value) = (Encoding.ASCII.GetBytes(name), Encoding.ASCII.GetBytes(new string('v', length)));

        ReferenceEquals(_strings.Get(0, nameBytes, value), _strings.Get(0, nameBytes, value)).ShouldBe(isKept);
    }

    [Fact]
    public void Get_WhateverIsRemembered_IsTheTextOfTheBytes() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        var random = new Random(seed);
        var strings = new FieldStrings();
        for (var times = 0; times < 200; times++)
        {
            var name = Names[random.Next(Names.Length)];
            var value = random.Next(3) == 0 ? RandomFields.Value(random, without: "") : Names[random.Next(Names.Length)];

            strings.Get(random.Next(26), Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value)).ShouldBe(new Field(name, value));
        }
    }).QuickCheckThrowOnFailure();
}
