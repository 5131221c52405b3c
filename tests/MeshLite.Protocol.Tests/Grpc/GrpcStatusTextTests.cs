using FsCheck;
using FsCheck.Fluent;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

public sealed class GrpcStatusTextTests
{
    [Fact]
    public void Decode_OfAnyEncodedText_GivesItBackInPrintableAscii() => Prop.ForAll(UnicodeText.Arbitrary, text =>
    {
        var encoded = GrpcStatusText.Encode(text.Value);
        return encoded.All(c => c is >= ' ' and <= '~') && GrpcStatusText.Decode(encoded) == text.Value;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Decode_OfAnyText_DoesNotThrow() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => GrpcStatusText.Decode((text ?? "") + "%C3%") is not null).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("100 %", "100 %25")]
    [InlineData("ä\n", "%C3%A4%0A")]
    [InlineData("plain, and 'quoted' ~", "plain, and 'quoted' ~")]
    public void Encode_KnownText_IsAsTheProtocolSays(string text, string expected) => GrpcStatusText.Encode(text).ShouldBe(expected);

    [Theory]
    [InlineData("a%2", "a%2")]
    [InlineData("a%zz%20", "a%zz ")]
    [InlineData("%FF", "\uFFFD")]
    public void Decode_BrokenEscapes_KeepsWhatItCan(string text, string expected) => GrpcStatusText.Decode(text).ShouldBe(expected);

    /// <summary>Unicode scalar values: what UTF-8 can carry.</summary>
    public sealed record UnicodeText(string Value)
    {
        public static Arbitrary<UnicodeText> Arbitrary { get; } =
            Gen.Choose(0, 0x10FFFF).Where(c => c is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32).ListOf().Select(l => new UnicodeText(string.Concat(l))).ToArbitrary();
    }
}
