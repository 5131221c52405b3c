using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Pki;

public sealed class JoinTokenTests : IDisposable
{
    private const string GoodHeader = """{"alg":"ES256","typ":"JWT"}""";

    private readonly ManualTimeProvider _time = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void Verify_GoodToken_GivesItsIdentityAgainAndAgain()
    {
        var token = JoinToken.Create(_key, "shop", "orders", TimeSpan.FromHours(1), _time);

        Verify(token).ShouldBe(new JoinTokenResult("shop", "orders", JoinTokenFailure.None));
        _time.Advance(TimeSpan.FromMinutes(59));
        Verify(token).Failure.ShouldBe(JoinTokenFailure.None, "pods restart: a token serves until it expires");
        _time.Advance(TimeSpan.FromMinutes(1));
        Verify(token).Failure.ShouldBe(JoinTokenFailure.Expired);
    }

    [Fact]
    public void Create_Claims_AreThoseOfAServiceAccountToken()
    {
        var token = JoinToken.Create(_key, "shop", "orders", TimeSpan.FromMinutes(10), _time);

        var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[1])).RootElement;
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        claims.GetProperty("aud").GetString().ShouldBe("meshlite-control-plane");
        claims.GetProperty("sub").GetString().ShouldBe("system:serviceaccount:shop:orders");
        claims.GetProperty("iat").GetInt64().ShouldBe(now);
        claims.GetProperty("nbf").GetInt64().ShouldBe(now);
        claims.GetProperty("exp").GetInt64().ShouldBe(now + 600);
        claims.GetProperty("jti").GetString()!.Length.ShouldBe(22);
        JoinToken.Create(_key, "shop", "orders", TimeSpan.FromMinutes(10), _time).ShouldNotBe(token);
    }

    [Fact]
    public void Verify_KeyOfAnotherMesh_IsRefused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Verify(JoinToken.Create(other, "shop", "orders", TimeSpan.FromHours(1), _time)).Failure.ShouldBe(JoinTokenFailure.BadSignature);
    }

    [Fact]
    public void Verify_NamespaceRewritten_IsRefused()
    {
        var parts = JoinToken.Create(_key, "shop", "orders", TimeSpan.FromHours(1), _time).Split('.');
        var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])).Replace(":shop:", ":bank:", StringComparison.Ordinal);

        Verify($"{parts[0]}.{Encode(claims)}.{parts[2]}").Failure.ShouldBe(JoinTokenFailure.BadSignature);
    }

    [Theory]
    [InlineData("""{"alg":"none","typ":"JWT"}""")]
    [InlineData("""{"alg":"None"}""")]
    [InlineData("""{"alg":"es256"}""")]
    [InlineData("""{"alg":"ES384"}""")]
    [InlineData("""{"alg":"RS256"}""")]
    [InlineData("""{"typ":"JWT"}""")]
    [InlineData("""{"alg":["ES256"]}""")]
    [InlineData("""{"alg":"ES256","crit":["exp"]}""")]
    public void Verify_OtherAlgorithm_IsRefusedThoughSigned(string header) =>
        Verify(Sign(header, Claims())).Failure.ShouldBe(JoinTokenFailure.WrongAlgorithm);

    [Fact]
    public void Verify_AlgorithmNoneWithoutSignature_IsRefused() =>
        Verify($"{Encode("""{"alg":"none"}""")}.{Encode(Claims())}.").Failure.ShouldBe(JoinTokenFailure.Malformed);

    [Fact]
    public void Verify_HmacWithThePublicKeyAsSecret_IsRefused()
    {
        // The classic confusion of RFC 8725 §2.1: the verifier's public key is no secret.
        var signed = $"{Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Encode(Claims())}";
        foreach (var secret in new[] { _key.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(_key.ExportSubjectPublicKeyInfoPem()) })
        {
            var mac = HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed));
            Verify($"{signed}.{Base64Url.EncodeToString(mac)}").Failure.ShouldBe(JoinTokenFailure.WrongAlgorithm);
        }
    }

    [Theory]
    [InlineData("aud", "\"somebody-else\"", JoinTokenFailure.WrongAudience)]
    [InlineData("aud", "[\"meshlite-control-plane\",\"somebody-else\"]", JoinTokenFailure.WrongAudience)]
    [InlineData("aud", null, JoinTokenFailure.WrongAudience)]
    [InlineData("exp", null, JoinTokenFailure.Malformed)]
    [InlineData("exp", "\"soon\"", JoinTokenFailure.Malformed)]
    [InlineData("exp", "1e300", JoinTokenFailure.Malformed)]
    [InlineData("exp", "-1", JoinTokenFailure.Malformed)]
    [InlineData("exp", "99999999999999", JoinTokenFailure.Malformed)]
    [InlineData("nbf", null, JoinTokenFailure.Malformed)]
    [InlineData("nbf", "1767225661", JoinTokenFailure.NotYetValid)] // 61 s ahead
    [InlineData("nbf", "1767225660", JoinTokenFailure.None)] // 60 s of skew are forgiven
    [InlineData("sub", null, JoinTokenFailure.WrongSubject)]
    [InlineData("sub", "\"shop:orders\"", JoinTokenFailure.WrongSubject)]
    [InlineData("sub", "\"system:serviceaccount:shop\"", JoinTokenFailure.WrongSubject)]
    [InlineData("sub", "\"system:serviceaccount:shop:orders:x\"", JoinTokenFailure.WrongSubject)]
    [InlineData("sub", "\"system:serviceaccount:shop/sa/x:orders\"", JoinTokenFailure.WrongSubject)]
    [InlineData("sub", "\"system:serviceaccount::orders\"", JoinTokenFailure.WrongSubject)]
    public void Verify_ClaimChanged_HasItsReason(string claim, string? value, JoinTokenFailure expected) =>
        Verify(Sign(GoodHeader, Claims(claim, value))).Failure.ShouldBe(expected);

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b.c.d")]
    [InlineData("not a token")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30")]
    [InlineData("bm90IGpzb24.e30.AAAA")]
    [InlineData("W10.e30.AAAA")]
    public void Verify_NoJwt_IsMalformed(string token) => Verify(token).Failure.ShouldBe(JoinTokenFailure.Malformed);

    [Fact]
    public void Verify_DuplicateClaim_IsMalformed() =>
        Verify(Sign(GoodHeader, Claims()[..^1] + ""","sub":"system:serviceaccount:bank:orders"}""")).Failure.ShouldBe(JoinTokenFailure.Malformed);

    [Fact]
    public void Verify_PaddedSegments_AreMalformed()
    {
        var parts = JoinToken.Create(_key, "shop", "orders", TimeSpan.FromHours(1), _time).Split('.');

        Verify($"{parts[0]}.{parts[1]}.{parts[2]}==").Failure.ShouldBe(JoinTokenFailure.Malformed);
        Verify($"{parts[0]}.{parts[1]}\n.{parts[2]}").Failure.ShouldBe(JoinTokenFailure.Malformed);
    }

    [Fact]
    public void Verify_Oversized_IsMalformedWithoutALook() =>
        Verify(Sign(GoodHeader, Claims("x", $"\"{new string('x', 5000)}\""))).Failure.ShouldBe(JoinTokenFailure.Malformed);

    [Fact]
    public void Verify_CutOrChangedAnywhere_IsNeverAccepted()
    {
        var token = JoinToken.Create(_key, "shop", "orders", TimeSpan.FromHours(1), _time);
        // The last character carries spare bits, which are not part of the signature.
        Prop.ForAll(
            Gen.Choose(0, token.Length - 2).SelectMany(at => Gen.Choose(0, 2).Select(how => (at, how))).ToArbitrary(),
            change =>
            {
                var (at, how) = change;
                var changed = how switch
                {
                    0 => token[..at],
                    1 => token[..at] + token[(at + 1)..],
                    _ => token[..at] + (token[at] == 'A' ? 'B' : 'A') + token[(at + 1)..],
                };
                return Verify(changed).Failure != JoinTokenFailure.None;
            }).QuickCheckThrowOnFailure();
    }

    private JoinTokenResult Verify(string token) => JoinToken.Verify(_key, token, _time);

    private string Claims(string? change = null, string? value = null)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        var claims = new Dictionary<string, string?>
        {
            ["aud"] = "\"meshlite-control-plane\"",
            ["sub"] = "\"system:serviceaccount:shop:orders\"",
            ["nbf"] = $"{now}",
            ["exp"] = $"{now + 600}",
        };
        if (change is not null)
        {
            claims[change] = value;
        }

        return "{" + string.Join(',', claims.Where(c => c.Value is not null).Select(c => $"\"{c.Key}\":{c.Value}")) + "}";
    }

    private string Sign(string header, string claims)
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
