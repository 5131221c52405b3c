using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Pki;

/// <summary>The key of join tokens is exchanged: which tokens are good when, whoever signed them.</summary>
public sealed class JoinTokenRotationTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Rotate_TokensOut_OldAreGoodUntilTheLastHasEndedNewAtOnce()
    {
        var brief = Issue(TimeSpan.FromHours(1));
        var longest = Issue(TimeSpan.FromHours(30));
        var old = Keys.SigningId;

        var rotation = JoinTokenRotation.Rotate(_directory.Path, _time);

        rotation.SigningId.ShouldBe(Keys.SigningId);
        rotation.SigningId.ShouldNotBe(old);
        rotation.Retiring.ShouldBe([(old, _time.GetUtcNow() + TimeSpan.FromHours(30))]);
        var made = Issue(TimeSpan.FromHours(40));
        Failures(brief, longest, made).ShouldBe([JoinTokenFailure.None, JoinTokenFailure.None, JoinTokenFailure.None]);
        _time.Advance(TimeSpan.FromHours(1));
        Failures(brief, longest, made).ShouldBe([JoinTokenFailure.Expired, JoinTokenFailure.None, JoinTokenFailure.None]);
        _time.Advance(TimeSpan.FromHours(29));
        Failures(longest, made).ShouldBe([JoinTokenFailure.BadSignature, JoinTokenFailure.None]);
    }

    [Fact]
    public void Rotate_OldKeyStolen_ForgesNothingAfterItsLastTokenHasEnded()
    {
        Issue(TimeSpan.FromHours(1));
        using var stolen = JoinTokenKey.LoadOrCreate(_directory.Path);
        JoinTokenRotation.Rotate(_directory.Path, _time);

        var forged = JoinToken.Create(stolen, "bank", "vault", TimeSpan.FromDays(365), _time);
        Failures(forged).ShouldBe([JoinTokenFailure.None], "so long --retire is the way");
        _time.Advance(TimeSpan.FromHours(1));

        Failures(forged).ShouldBe([JoinTokenFailure.BadSignature]);
    }

    [Fact]
    public void Retire_OldKeyStolen_ForgesNothingFromThenOn()
    {
        var good = Issue(TimeSpan.FromDays(10));
        using var stolen = JoinTokenKey.LoadOrCreate(_directory.Path);
        JoinTokenRotation.Rotate(_directory.Path, _time);
        var made = Issue(TimeSpan.FromHours(1));

        JoinTokenRotation.Retire(_directory.Path, _time).ShouldBe([JoinToken.KeyId(stolen)]);

        Failures(JoinToken.Create(stolen, "bank", "vault", TimeSpan.FromHours(1), _time), good, made)
            .ShouldBe([JoinTokenFailure.BadSignature, JoinTokenFailure.BadSignature, JoinTokenFailure.None]);
        JoinTokenRotation.Retire(_directory.Path, _time).ShouldBeEmpty();
    }

    [Fact]
    public void Verify_KeyIdOfTheNewKeyOnATokenOfTheOld_IsRefused()
    {
        Issue(TimeSpan.FromHours(1));
        using var old = JoinTokenKey.LoadOrCreate(_directory.Path);
        JoinTokenRotation.Rotate(_directory.Path, _time);
        var token = JoinToken.Create(old, "shop", "orders", TimeSpan.FromHours(1), _time).Split('.');
        string Under(string header)
        {
            var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{token[1]}";
            return $"{signed}.{Base64Url.EncodeToString(old.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
        }

        Failures(Under($$"""{"alg":"ES256","kid":"{{Keys.SigningId}}"}""")).ShouldBe([JoinTokenFailure.BadSignature]);
        Failures(Under($$"""{"alg":"ES256","kid":"../../etc/passwd"}""")).ShouldBe([JoinTokenFailure.BadSignature]);
        Failures(Under($$"""{"alg":"ES256","kid":"{{JoinToken.KeyId(old)}}"}""")).ShouldBe([JoinTokenFailure.None]);
        // As tokens were before keys had names.
        Failures(Under("""{"alg":"ES256"}""")).ShouldBe([JoinTokenFailure.None]);
    }

    [Fact]
    public void Rotate_NobodyWroteDownTokens_OldIsGoodForADay()
    {
        JoinTokenKey.LoadOrCreate(_directory.Path).Dispose();

        JoinTokenRotation.Rotate(_directory.Path, _time).Retiring.ShouldHaveSingleItem().Until.ShouldBe(_time.GetUtcNow() + TimeSpan.FromHours(24));
    }

    [Fact]
    public void Rotate_LastTokenHasEnded_OldIsNotKept()
    {
        Issue(TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromHours(1));

        JoinTokenRotation.Rotate(_directory.Path, _time).Retiring.ShouldBeEmpty();
    }

    [Fact]
    public void Rotate_ManyTimes_KeepsAFewAndForgetsTheEnded()
    {
        for (var i = 1; i <= 12; i++)
        {
            Issue(TimeSpan.FromHours(i));
            JoinTokenRotation.Rotate(_directory.Path, _time);
        }

        Keys.Retiring.Select(k => k.Until - _time.GetUtcNow()).ShouldBe(Enumerable.Range(5, 8).Reverse().Select(h => TimeSpan.FromHours(h)), "the 8 that end last");
        _time.Advance(TimeSpan.FromHours(9));
        JoinTokenRotation.Rotate(_directory.Path, _time).Retiring.Count.ShouldBe(4, "10, 11 and 12 h, and that of the key nobody used");
    }

    [Fact]
    public void Files_AfterARotation_AreTheOwnersOnly()
    {
        Issue(TimeSpan.FromHours(1));
        JoinTokenRotation.Rotate(_directory.Path, _time);

        Directory.GetFiles(_directory.Path).Select(f => Path.GetFileName(f)).Order().ShouldBe(["join-token.issued", "join-token.key", "join-token.lock", "join-token.retiring"]);
        Directory.GetFiles(_directory.Path).ShouldAllBe(f => File.GetUnixFileMode(f) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("[{}]")]
    [InlineData("[null]")]
    [InlineData("""[{"Key":"-----BEGIN NOTHING-----","Until":1}]""")]
    [InlineData("""[{"Key":"x","Until":99999999999999999}]""")]
    public void LoadOrCreate_RetiringDamaged_IsAnErrorThatShowsNoKey(string content)
    {
        File.WriteAllText(_directory[JoinTokenKeys.RetiringFile], content);

        Should.Throw<CryptographicException>(() => Keys).Message.ShouldStartWith(_directory[JoinTokenKeys.RetiringFile]);
    }

    private JoinTokenKeys Keys => JoinTokenKeys.LoadOrCreate(_directory.Path);

    private string Issue(TimeSpan lifetime)
    {
        using var key = JoinTokenKey.LoadOrCreate(_directory.Path);
        JoinTokenRotation.NoteIssued(_directory.Path, JoinToken.KeyId(key), _time.GetUtcNow() + lifetime);
        return JoinToken.Create(key, "shop", "orders", lifetime, _time);
    }

    private JoinTokenFailure[] Failures(params string[] tokens) => [.. tokens.Select(token => Keys.Verify(token, _time).Failure)];
}
