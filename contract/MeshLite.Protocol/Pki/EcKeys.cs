using System.Security.Cryptography;

namespace MeshLite.Protocol.Pki;

/// <summary>P-256 keys, the only kind of key there is in the mesh.</summary>
public static class EcKeys
{
    /// <summary>Reads a private P-256 key (PKCS#8 or SEC 1 PEM); throws <see cref="CryptographicException"/> naming <paramref name="origin"/>, never showing the text.</summary>
    public static ECDsa FromPem(string pem, string origin)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            // Asking for the private part is the only way to learn that it is there.
            var d = key.ExportParameters(includePrivateParameters: true).D;
            CryptographicOperations.ZeroMemory(d);
            return IsP256(key) ? key : throw new CryptographicException($"{origin} holds a key of another curve than P-256");
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw error is CryptographicException && error.Message.StartsWith(origin, StringComparison.Ordinal)
                ? error
                : new CryptographicException($"{origin} holds no private EC key in PEM", error);
        }
    }

    /// <summary>Whether the key is on P-256.</summary>
    public static bool IsP256(ECDsa key)
    {
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed && curve.Oid.Value == SvidProfile.Curve.Oid.Value;
    }
}
