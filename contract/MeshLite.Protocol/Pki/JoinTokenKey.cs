using System.Security.Cryptography;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// The key that signs and verifies join tokens: <c>&lt;data-dir&gt;/join-token.key</c> (PKCS#8 PEM, mode 0600). Made
/// by whoever needs it first, control plane or <c>meshctl token create</c>; never overwritten.
/// </summary>
public static class JoinTokenKey
{
    /// <summary>Name within the data directory.</summary>
    public const string FileName = "join-token.key";

    /// <summary>The key of that directory. Throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/> or <see cref="CryptographicException"/>.</summary>
    public static ECDsa LoadOrCreate(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            SecretFile.CreateDirectory(dataDirectory);
            using var made = ECDsa.Create(SvidProfile.Curve);
            SecretFile.TryCreate(path, made.ExportPkcs8PrivateKeyPem() + "\n");
        }

        return EcKeys.FromPem(File.ReadAllText(path), path);
    }
}
