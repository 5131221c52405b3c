using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class PathNormalizerTests
{
    private const string Unambiguous = "";

    // Made of what the tricks are made of.
    private static readonly string[] Parts =
        ["/", "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", "%41", "%7e", "%c3%a9", "a", "B", ";", "x", "%00", "#", " ", "%25", "41", "2e", "%20", "é", "%3b"];

    private static readonly Gen<string> WellEncoded = Gen.Elements(Parts).ListOf().Select(parts => "/" + string.Concat(parts));

    private static readonly Gen<string> Paths = Gen.Elements([.. Parts, "%", "%4", "%zz"]).ListOf().Select(parts => "/" + string.Concat(parts));

    [Theory]
    // Nothing to do.
    [InlineData("/", "/", "", Unambiguous)]
    [InlineData("/a/b.c/d~e", "/a/b.c/d~e", "", Unambiguous)]
    [InlineData("/a/", "/a/", "", Unambiguous)]
    [InlineData("/a?x=1", "/a", "x=1", Unambiguous)]
    [InlineData("/a?", "/a", "", Unambiguous)]
    [InlineData("/a?b?c/../d#e", "/a", "b?c/../d#e", Unambiguous)]
    [InlineData("/a;v=1/b,c:@!$&'()*+=", "/a;v=1/b,c:@!$&'()*+=", "", Unambiguous)]
    [InlineData("/a...b/.well-known/..x/x..", "/a...b/.well-known/..x/x..", "", Unambiguous)]
    [InlineData("/caf%C3%A9%20%25", "/caf%C3%A9%20%25", "", Unambiguous)]
    // One meaning, written otherwise.
    [InlineData("/%41%7e%2D", "/A~-", "", Unambiguous)]
    [InlineData("/caf%c3%a9", "/caf%C3%A9", "", Unambiguous)]
    [InlineData("/a%2Eb", "/a.b", "", Unambiguous)]
    // Decoded once and not twice.
    [InlineData("/%252e%252e/%252F", "/%252e%252e/%252F", "", Unambiguous)]
    // Dot segments.
    [InlineData("/a/../b", "/b", "", "DotSegment")]
    [InlineData("/a/%2e%2E/b", "/b", "", "DotSegment")]
    [InlineData("/a/.%2e/b", "/b", "", "DotSegment")]
    [InlineData("/a/./b", "/a/b", "", "DotSegment")]
    [InlineData("/..", "/", "", "DotSegment")]
    [InlineData("/../../etc", "/etc", "", "DotSegment")]
    [InlineData("/a/..", "/", "", "DotSegment")]
    [InlineData("/a/b/.", "/a/b/", "", "DotSegment")]
    [InlineData("/public/..;/admin", "/public/..;/admin", "", "DotSegment")]
    [InlineData("/public/..%3b/admin", "/public/..%3B/admin", "", "DotSegment")]
    [InlineData("/a/.;x=1", "/a/.;x=1", "", "DotSegment")]
    [InlineData("/public/..%3bx;y/admin", "/public/..%3Bx;y/admin", "", "DotSegment")]
    [InlineData("/a/...;x", "/a/...;x", "", Unambiguous)]
    // Slashes that are some, or not.
    [InlineData("/a%2Fb", "/a%2Fb", "", "EncodedSlash")]
    [InlineData("/a%2fb", "/a%2Fb", "", "EncodedSlash")]
    [InlineData("/a%2f..%2fb", "/a%2F..%2Fb", "", "EncodedSlash")]
    [InlineData("/a\\b", "/a\\b", "", "Backslash")]
    [InlineData("/a%5cb", "/a%5Cb", "", "Backslash")]
    [InlineData("//a", "//a", "", "EmptySegment")]
    [InlineData("/a//b", "/a//b", "", "EmptySegment")]
    [InlineData("/a//", "/a//", "", "EmptySegment")]
    [InlineData("/a//../b", "/a/b", "", "EmptySegment, DotSegment")]
    // Not what a target may hold.
    [InlineData("/a%00", "/a%00", "", "Nul")]
    [InlineData("/a\0b", "/a\0b", "", "Nul")]
    [InlineData("/a%", "/a%", "", "BadEncoding")]
    [InlineData("/a%2", "/a%2", "", "BadEncoding")]
    [InlineData("/a%g0", "/a%g0", "", "BadEncoding")]
    [InlineData("/%%32%65", "/%2e", "", "BadEncoding")]
    [InlineData("/a b", "/a b", "", "IllegalCharacter")]
    [InlineData("/a\tb", "/a\tb", "", "IllegalCharacter")]
    [InlineData("/admin#/../public", "/public", "", "IllegalCharacter, DotSegment")]
    [InlineData("/é", "/é", "", "IllegalCharacter")]
    public void Normalize_OriginForm_IsMatchedAs(string target, string path, string query, string ambiguity)
    {
        var result = PathNormalizer.Normalize(target);

        result.Form.ShouldBe(TargetForm.Origin);
        result.Raw.ShouldBeSameAs(target);
        result.Path.ToString().ShouldBe(path);
        result.Query.ToString().ShouldBe(query);
        result.Ambiguity.ShouldBe(ambiguity.Length == 0 ? PathAmbiguity.None : Enum.Parse<PathAmbiguity>(ambiguity));
        result.IsAmbiguous.ShouldBe(ambiguity.Length > 0);
        result.Authority.ToString().ShouldBe("");
    }

    [Theory]
    [InlineData("http://orders:80/a?x=1", "Absolute", "orders:80", "/a", "x=1")]
    [InlineData("HTTPS://orders/", "Absolute", "orders", "/", "")]
    [InlineData("http://orders", "Absolute", "orders", "/", "")]
    [InlineData("http://orders?x=1", "Absolute", "orders", "/", "x=1")]
    [InlineData("http://[::1]:80/%41", "Absolute", "[::1]:80", "/A", "")]
    [InlineData("http:///a", "Invalid", "", "", "")]
    [InlineData("http://", "Invalid", "", "", "")]
    [InlineData("ftp://orders/a", "Invalid", "", "", "")]
    [InlineData("a/b", "Invalid", "", "", "")]
    [InlineData("", "Invalid", "", "", "")]
    [InlineData("**", "Invalid", "", "", "")]
    [InlineData("*", "Asterisk", "", "*", "")]
    public void Normalize_OtherForms_AreTakenApart(string target, string form, string authority, string path, string query)
    {
        var result = PathNormalizer.Normalize(target);

        result.Form.ShouldBe(Enum.Parse<TargetForm>(form));
        result.Authority.ToString().ShouldBe(authority);
        result.Path.ToString().ShouldBe(path);
        if (result.Form != TargetForm.Invalid)
        {
            result.Query.ToString().ShouldBe(query);
        }

        result.IsAmbiguous.ShouldBeFalse();
    }

    [Fact]
    public void Normalize_Connect_HasAnAuthorityAndNoPath()
    {
        var result = PathNormalizer.Normalize("orders:80", isConnect: true);

        result.Form.ShouldBe(TargetForm.Authority);
        result.Authority.ToString().ShouldBe("orders:80");
        result.Path.Length.ShouldBe(0);
        result.Query.Length.ShouldBe(0);
        result.LogPath.Length.ShouldBe(0);
        PathNormalizer.Normalize("", isConnect: true).Form.ShouldBe(TargetForm.Invalid);
    }

    [Theory]
    [InlineData("/a/%2f?token=secret", "/a/%2f")]
    [InlineData("http://user:password@orders/a?x", "/a")]
    [InlineData("/a#secret", "/a")]
    public void LogPath_TargetsWithSecrets_HasNone(string target, string expected) =>
        PathNormalizer.Normalize(target).LogPath.ToString().ShouldBe(expected);

    [Fact]
    public void Normalize_AnyPath_AgreesWithTheLetterOfTheRfc() =>
        Prop.ForAll(Paths.ToArbitrary(), path =>
            PathNormalizer.Normalize(path).Path.ToString().ShouldBe(Reference(path))).QuickCheckThrowOnFailure();

    [Fact]
    public void Normalize_ItsOwnResult_ChangesNothing() =>
        // A bad encoding may become a good one ("%%34%31"): that is one of the reasons why it is refused.
        Prop.ForAll(WellEncoded.ToArbitrary(), path =>
        {
            var once = PathNormalizer.Normalize(path).Path.ToString();
            PathNormalizer.Normalize(once).Path.ToString().ShouldBe(once);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Normalize_UnambiguousPaths_MeanWhatTheyMeant() =>
        Prop.ForAll(WellEncoded.ToArbitrary(), path =>
        {
            var result = PathNormalizer.Normalize(path);
            if (!result.IsAmbiguous)
            {
                Uri.UnescapeDataString(result.Path.ToString()).ShouldBe(Uri.UnescapeDataString(path));
                Regex.IsMatch(Uri.UnescapeDataString(path), @"//|\\|\0|/\.\.?(/|;|$)").ShouldBeFalse();
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Normalize_VeryLongPath_IsReadToItsEnd()
    {
        var path = string.Concat(Enumerable.Repeat("/%41", 5000));

        PathNormalizer.Normalize(path).Path.ToString().ShouldBe(string.Concat(Enumerable.Repeat("/A", 5000)));
    }

    [Fact]
    public void Normalize_NormalTarget_AllocatesNothing()
    {
        var target = "/orders/17?x=1";

        Allocations.Of(() => PathNormalizer.Normalize(target).Path.Length.Equals(10)).ShouldBe(0);
    }

    /// <summary>RFC 3986 §6.2.2.1, §6.2.2.2 and the algorithm of §5.2.4 as the text has it, on strings.</summary>
    private static string Reference(string path)
    {
        path = Regex.Replace(path, "%[0-9A-Fa-f]{2}", m =>
        {
            var c = (char)Convert.ToByte(m.Value[1..], 16);
            return Regex.IsMatch(c.ToString(), @"^[A-Za-z0-9\-._~]\z") ? c.ToString() : m.Value.ToUpperInvariant();
        });

        var input = path;
        var output = new StringBuilder();
        while (input.Length > 0)
        {
            if (input.StartsWith("/./", StringComparison.Ordinal))
            {
                input = input[2..];
            }
            else if (input == "/.")
            {
                input = "/";
            }
            else if (input.StartsWith("/../", StringComparison.Ordinal) || input == "/..")
            {
                input = input == "/.." ? "/" : input[3..];
                output.Length = Math.Max(output.ToString().LastIndexOf('/'), 0);
            }
            else
            {
                var next = input.IndexOf('/', 1);
                output.Append(next < 0 ? input : input[..next]);
                input = next < 0 ? "" : input[next..];
            }
        }

        return output.ToString();
    }
}
