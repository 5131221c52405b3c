using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// Join tokens: what a workload outside Kubernetes proves its namespace and service account with, to get its
/// first certificate. A JWT (RFC 7519) in JWS compact form, signed with ES256 (RFC 7515, RFC 7518 §3.4), its claims
/// shaped like those of a Kubernetes service-account token. Good any number of times until it expires: a workload
/// that restarts without its state directory joins again with the same token.
/// <para>Our own forty lines because the registry's JWT package is outdated, and because the strict subset is the
/// point: one algorithm, chosen by the verifier and not by the token (RFC 8725 §3.1), no "none"; the header's <c>kid</c> only picks among the keys the
/// verifier holds (<see cref="JoinTokenKeys"/>).</para>
/// </summary>
public static class JoinToken
{
    /// <summary>The one audience.</summary>
    public const string Audience = "meshlite-control-plane";

    /// <summary>Longest token looked at.</summary>
    public const int MaxLength = 4096;

    private const string SubjectPrefix = "system:serviceaccount:";

    /// <summary>How far the issuer's clock may run ahead of the verifier's. <value>60 s; expiry has no such grace.</value></summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);


    /// <summary>Makes a token.</summary>
    public static string Create(ECDsa key, string ns, string serviceAccount, TimeSpan lifetime, TimeProvider time)
    {
        var now = time.GetUtcNow();
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("aud", Audience);
            writer.WriteString("sub", $"{SubjectPrefix}{ns}:{serviceAccount}");
            writer.WriteNumber("iat", now.ToUnixTimeSeconds());
            writer.WriteNumber("nbf", now.ToUnixTimeSeconds());
            writer.WriteNumber("exp", (now + lifetime).ToUnixTimeSeconds());
            writer.WriteString("jti", Encode(RandomNumberGenerator.GetBytes(16)));
            writer.WriteEndObject();
        }

        var header = Encode(Encoding.ASCII.GetBytes($$"""{"alg":"ES256","typ":"JWT","kid":"{{KeyId(key)}}"}"""));
        var signed = $"{header}.{Encode(json.ToArray())}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $"{signed}.{Encode(signature)}";
    }

    /// <summary>Names a key: 64 bits of the SHA-256 of its public part. Enough to pick one of a few; who forges one gains nothing.</summary>
    public static string KeyId(ECDsa key) => Encode(SHA256.HashData(key.ExportSubjectPublicKeyInfo()).AsSpan(0, 8));

    /// <summary>As below, with one key, whatever the token calls its own.</summary>
    public static JoinTokenResult Verify(ECDsa key, string token, TimeProvider time) => Verify(_ => [key], token, time);

    /// <summary>Whom the token stands for, or why for nobody. Nothing of it is believed before its signature is verified.</summary>
    /// <param name="keys">The keys that are good now and have this name; without one (null), all.</param>
    /// <param name="token">From anybody.</param>
    /// <param name="time">The clock it is held against.</param>
    public static JoinTokenResult Verify(Func<string?, IEnumerable<ECDsa>> keys, string token, TimeProvider time)
    {
        if (token.Length > MaxLength || token.Split('.') is not [var header, var payload, var signature]
            || Decode(header) is not { } headerJson || Decode(payload) is not { } payloadJson || Decode(signature) is not { } signatureBytes)
        {
            return JoinTokenFailure.Malformed;
        }

        try
        {
            return Verify(keys, header, payload, headerJson, payloadJson, signatureBytes, time);
        }
        catch (InvalidOperationException)
        {
            // Of text that is no Unicode ("\ud800"), which anybody may put into a header.
            return JoinTokenFailure.Malformed;
        }
    }

    private static JoinTokenResult Verify(Func<string?, IEnumerable<ECDsa>> keys, string header, string payload, byte[] headerJson, byte[] payloadJson, byte[] signatureBytes, TimeProvider time)
    {
        var (failure, keyId) = CheckHeader(headerJson);
        if (failure != JoinTokenFailure.None)
        {
            return failure;
        }

        var signed = Encoding.ASCII.GetBytes($"{header}.{payload}");
        return signatureBytes.Length == 64
            && keys(keyId).Any(key => key.VerifyData(signed, signatureBytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
            ? CheckClaims(payloadJson, time.GetUtcNow())
            : JoinTokenFailure.BadSignature;
    }

    private static (JoinTokenFailure Failure, string? KeyId) CheckHeader(byte[] json)
    {
        if (Parse(json) is not { } header)
        {
            return (JoinTokenFailure.Malformed, null);
        }

        // "crit" names extensions that must be understood (RFC 7515 §4.1.11): we understand none.
        return Text(header, "alg") == "ES256" && !header.TryGetProperty("crit", out _)
            ? (JoinTokenFailure.None, Text(header, "kid"))
            : (JoinTokenFailure.WrongAlgorithm, null);
    }

    private static JoinTokenResult CheckClaims(byte[] json, DateTimeOffset now)
    {
        if (Parse(json) is not { } claims || Seconds(claims, "exp") is not { } expires || Seconds(claims, "nbf") is not { } notBefore)
        {
            return JoinTokenFailure.Malformed;
        }

        if (Text(claims, "aud") != Audience)
        {
            return JoinTokenFailure.WrongAudience;
        }

        if (now >= expires)
        {
            return JoinTokenFailure.Expired;
        }

        if (now + ClockSkew < notBefore)
        {
            return JoinTokenFailure.NotYetValid;
        }

        return Text(claims, "sub") is { } subject && subject.StartsWith(SubjectPrefix, StringComparison.Ordinal)
            && subject[SubjectPrefix.Length..].Split(':') is [var ns, var serviceAccount]
            && Model.SpiffeId.IsSegment(ns) && Model.SpiffeId.IsSegment(serviceAccount)
            ? new JoinTokenResult(ns, serviceAccount, JoinTokenFailure.None)
            : JoinTokenFailure.WrongSubject;
    }

    private static JsonElement? Parse(byte[] json)
    {
        try
        {
            // A name given twice would let two readers see two tokens (RFC 7519 §4).
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static DateTimeOffset? Seconds(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var seconds) && seconds is > 0 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    private static byte[]? Decode(string text)
    {
        // RFC 7515 §2: no padding, no white space; Base64Url would let both pass.
        if (text.Length == 0 || text.AsSpan().ContainsAny("=\r\n\t ") || !Base64Url.IsValid(text))
        {
            return null;
        }

        return Base64Url.DecodeFromChars(text);
    }
}

/// <summary>Namespace and service account a token stands for, or <see cref="Failure"/>.</summary>
public readonly record struct JoinTokenResult(string? Namespace, string? ServiceAccount, JoinTokenFailure Failure)
{
    /// <summary>A refusal.</summary>
    public static implicit operator JoinTokenResult(JoinTokenFailure failure) => new(null, null, failure);
}

/// <summary>Why a join token was refused.</summary>
public enum JoinTokenFailure
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>Not a JWT, or without the claims a join token has.</summary>
    Malformed,

    /// <summary>Names another algorithm than ES256, or demands an extension.</summary>
    WrongAlgorithm,

    /// <summary>Not signed by a key of this mesh, or by one that is retired, or changed since.</summary>
    BadSignature,

    /// <summary>Meant for somebody else.</summary>
    WrongAudience,

    /// <summary>Past its exp.</summary>
    Expired,

    /// <summary>Before its nbf.</summary>
    NotYetValid,

    /// <summary>Not <c>system:serviceaccount:&lt;namespace&gt;:&lt;name&gt;</c>.</summary>
    WrongSubject,
}
