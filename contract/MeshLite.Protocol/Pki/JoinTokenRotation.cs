using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// Exchanges the key of join tokens in a data directory. Whoever writes there holds <c>join-token.lock</c>; readers need not, since each file is replaced in one
/// step, and the older key is among the retiring before the new one signs. Stopped halfway, a rotation is repeated.
/// </summary>
public static class JoinTokenRotation
{
    private const string LockFile = "join-token.lock";

    // The end of the longest-lived token signed by the present key: its name and Unix seconds.
    private const string IssuedFile = "join-token.issued";

    /// <value>How long an older key stays where nobody wrote down when its tokens end: as long as one lives by default. 24 h.</value>
    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromHours(24);

    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);

    /// <summary>Writes down when a token that was just signed ends, so that a rotation knows how long its key is needed.</summary>
    public static void NoteIssued(string dataDirectory, string keyId, DateTimeOffset expires)
    {
        using var turn = Lock(dataDirectory);
        if (LastIssued(dataDirectory, keyId) is not { } known || known < expires)
        {
            SecretFile.Replace(Path.Combine(dataDirectory, IssuedFile), string.Create(CultureInfo.InvariantCulture, $"{keyId} {expires.ToUnixTimeSeconds()}\n"));
        }
    }

    /// <summary>A new key signs from now on; the present one verifies until its last token has ended. Throws what <see cref="JoinTokenKeys.LoadOrCreate"/> throws.</summary>
    public static TokenKeyRotation Rotate(string dataDirectory, TimeProvider time)
    {
        using var turn = Lock(dataDirectory);
        var now = time.GetUtcNow();
        var path = Path.Combine(dataDirectory, JoinTokenKey.FileName);
        var old = EcKeys.FromPem(File.ReadAllText(path), path);
        var until = LastIssued(dataDirectory, JoinToken.KeyId(old)) ?? now + DefaultOverlap;
        var retiringPath = Path.Combine(dataDirectory, JoinTokenKeys.RetiringFile);
        var retiring = JoinTokenKeys.ReadRetiring(retiringPath).Where(k => k.Until > now && k.Id != JoinToken.KeyId(old))
            .Concat(until > now ? [new RetiringTokenKey(old, until)] : Array.Empty<RetiringTokenKey>())
            .OrderByDescending(k => k.Until).Take(JoinTokenKeys.MaxRetiring).ToImmutableArray();
        JoinTokenKeys.WriteRetiring(retiringPath, retiring);

        using var made = ECDsa.Create(SvidProfile.Curve);
        SecretFile.Replace(path, made.ExportPkcs8PrivateKeyPem() + "\n");
        return new TokenKeyRotation(JoinToken.KeyId(made), [.. retiring.Select(k => (k.Id, k.Until))]);
    }

    /// <summary>Ends all older keys now; the names of those that had not ended.</summary>
    public static IReadOnlyList<string> Retire(string dataDirectory, TimeProvider time)
    {
        using var turn = Lock(dataDirectory);
        var path = Path.Combine(dataDirectory, JoinTokenKeys.RetiringFile);
        // A key that signs is none of them, also where a rotation was stopped halfway.
        var keyPath = Path.Combine(dataDirectory, JoinTokenKey.FileName);
        using var signing = EcKeys.FromPem(File.ReadAllText(keyPath), keyPath);
        var ended = JoinTokenKeys.ReadRetiring(path).Where(k => k.Until > time.GetUtcNow() && k.Id != JoinToken.KeyId(signing)).Select(k => k.Id).ToList();
        File.Delete(path);
        return ended;
    }

    private static DateTimeOffset? LastIssued(string dataDirectory, string keyId)
    {
        var path = Path.Combine(dataDirectory, IssuedFile);
        return File.Exists(path) && File.ReadAllText(path).Trim().Split(' ') is [var id, var end] && id == keyId
            && long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < 253_402_300_800
                ? DateTimeOffset.FromUnixTimeSeconds(seconds)
                : null;
    }

    // Held while the file is open; the kernel lets go of it with the process.
    private static FileStream Lock(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, LockFile);
        FileStream? held = null;
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        SpinWait.SpinUntil(
            () =>
            {
                try
                {
                    held = new FileStream(path, options);
                    return true;
                }
                catch (IOException problem) when (problem is not (DirectoryNotFoundException or FileNotFoundException))
                {
                    return false;
                }
            },
            LockPatience);
        return held ?? throw new IOException($"{path} is held by another meshctl");
    }
}

/// <summary>What a rotation came to.</summary>
/// <param name="SigningId">Name of the key that signs from now on.</param>
/// <param name="Retiring">Older keys, and when each ends.</param>
public sealed record TokenKeyRotation(string SigningId, IReadOnlyList<(string Id, DateTimeOffset Until)> Retiring);
