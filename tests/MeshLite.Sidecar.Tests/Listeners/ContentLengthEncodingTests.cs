using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Tests.Listeners;

public sealed class ContentLengthEncodingTests
{
    [Theory]
    [InlineData("0")]
    [InlineData("4")]
    [InlineData("0004")]
    [InlineData("9223372036854775807")]
    public void GetChars_Digits_AreThemselves(string value) => Decode(value).ShouldBe(value);

    [Theory]
    [InlineData("+4")]
    [InlineData("-4")]
    [InlineData("4 4")]
    [InlineData(" 4")]
    [InlineData("4,4")]
    [InlineData("0x4")]
    [InlineData("\u00b2")]
    [InlineData("")]
    [InlineData("00000000000000000004")]
    [InlineData("000000000000000000000000000000000000000004")]
    public void GetChars_AnythingElse_IsNoNumber(string value) => long.TryParse(Decode(value), NumberStyles.Integer, CultureInfo.InvariantCulture, out _).ShouldBeFalse();

    [Fact]
    public void GetChars_AnyBytes_FitsWhatKestrelHasRoomFor() => Prop.ForAll(
        Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf().ToArbitrary(),
        bytes =>
        {
            // Kestrel decodes into 20 characters.
            var chars = new char[20];
            var count = ContentLengthEncoding.Instance.GetChars(bytes, chars);
            count.ShouldBe(ContentLengthEncoding.Instance.GetCharCount(bytes));
            long.TryParse(chars.AsSpan(0, count), out _).ShouldBe(bytes.Length is > 0 and < 20 && bytes.All(b => b is >= (byte)'0' and <= (byte)'9'));
        }).QuickCheckThrowOnFailure();

    private static string Decode(string value) => ContentLengthEncoding.Instance.GetString(Encoding.Latin1.GetBytes(value));
}
