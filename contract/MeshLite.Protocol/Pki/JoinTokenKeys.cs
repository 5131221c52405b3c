using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// The keys of join tokens as they are in a data directory: the one that signs (<see cref="JoinTokenKey"/>), and older ones whose tokens are still good
/// until a moment (<c>join-token.retiring</c>, JSON, mode 0600). Immutable. Changed by <c>meshctl token rotate-key</c>, read by the control plane.
/// </summary>
public sealed class JoinTokenKeys
{
    /// <summary>Name within the data directory.</summary>
    public const string RetiringFile = "join-token.retiring";

    /// <value>Older keys kept at most; the one that would end first goes first. 8.</value>
    public const int MaxRetiring = 8;

    private readonly ECDsa _signing;

    internal JoinTokenKeys(ECDsa signing, ImmutableArray<RetiringTokenKey> retiring, DateTimeOffset madeAt)
    {
        (_signing, Retiring, MadeAt) = (signing, retiring, madeAt);
        SigningId = JoinToken.KeyId(signing);
    }

    /// <summary>Name of the key that signs.</summary>
    public string SigningId { get; }

    /// <summary>When that was made, as its file says.</summary>
    public DateTimeOffset MadeAt { get; }

    /// <summary>Older ones, those that have ended among them.</summary>
    public ImmutableArray<RetiringTokenKey> Retiring { get; }

    /// <summary>Reads them, making the first where there is none. Throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/> or <see cref="CryptographicException"/>.</summary>
    public static JoinTokenKeys LoadOrCreate(string dataDirectory)
    {
        var signing = JoinTokenKey.LoadOrCreate(dataDirectory);
        var path = Path.Combine(dataDirectory, JoinTokenKey.FileName);
        return new JoinTokenKeys(signing, ReadRetiring(Path.Combine(dataDirectory, RetiringFile)), new DateTimeOffset(File.GetLastWriteTimeUtc(path)));
    }

    /// <summary>Whom a token stands for, signed by the key that signs or by an older one that has not ended.</summary>
    public JoinTokenResult Verify(string token, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return JoinToken.Verify(
            id => Retiring.Where(k => now < k.Until).Select(k => (k.Id, k.Key)).Prepend((Id: SigningId, Key: _signing)).Where(k => id is null || id == k.Id).Select(k => k.Key), token, time);
    }

    internal static ImmutableArray<RetiringTokenKey> ReadRetiring(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            return
            [
                .. (JsonSerializer.Deserialize<RetiringEntry?[]>(File.ReadAllBytes(path), JsonSerializerOptions.Strict) ?? []).Select(entry =>
                    entry is null ? throw new JsonException("an entry is null") : new RetiringTokenKey(EcKeys.FromPem(entry.Key, path), DateTimeOffset.FromUnixTimeSeconds(entry.Until))),
            ];
        }
        catch (Exception problem) when (problem is JsonException or ArgumentOutOfRangeException)
        {
            throw new CryptographicException($"{path} does not hold older join-token keys", problem);
        }
    }

    internal static void WriteRetiring(string path, IEnumerable<RetiringTokenKey> keys) =>
        SecretFile.Replace(path, JsonSerializer.Serialize(keys.Select(k => new RetiringEntry(k.Key.ExportPkcs8PrivateKeyPem(), k.Until.ToUnixTimeSeconds()))));

    private sealed record RetiringEntry(string Key, long Until);
}

/// <summary>A key that signs no more, and verifies until a moment.</summary>
public sealed record RetiringTokenKey(ECDsa Key, DateTimeOffset Until)
{
    /// <summary>Its name.</summary>
    public string Id { get; } = JoinToken.KeyId(Key);
}
