using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// Checks a PKCS#10 request (RFC 2986) and takes from it the public key and nothing else. Pure.
/// </summary>
internal static class SigningRequest
{
    /// <summary>Largest request looked at. <value>2 KiB; one for P-256 has some 250 bytes.</value></summary>
    public const int MaxBytes = 2048;

    // DER of the object identifier of P-256: a key must name its curve, parameters spelt out are refused (RFC 5480 §2.1.1).
    private static readonly byte[] P256 = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

    /// <summary>The key whose possession the request proves; else null and the sentence that says what is wrong.</summary>
    public static PublicKey? Check(byte[] der, out string? problem)
    {
        if (der.Length is 0 or > MaxBytes)
        {
            problem = $"the signing request has {der.Length} bytes; between 1 and {MaxBytes} are taken";
            return null;
        }

        CertificateRequest request;
        try
        {
            // Verifies the request's own signature: proof that the caller holds the private key.
            request = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256);
        }
        catch (Exception error) when (error is CryptographicException or NotSupportedException)
        {
            problem = "the signing request is not PKCS#10, or its signature is wrong";
            return null;
        }

        var key = request.PublicKey;
        if (key.Oid.Value != SvidProfile.EcPublicKey || key.EncodedParameters is null || !key.EncodedParameters.RawData.AsSpan().SequenceEqual(P256))
        {
            problem = "the signing request's key is not ECDSA P-256";
            return null;
        }

        problem = null;
        return key;
    }
}
