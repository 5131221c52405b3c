using System.Security.Cryptography.X509Certificates;

namespace MeshLite.ControlPlane.Identity;

/// <summary>What a certificate of the control plane's own is for.</summary>
public enum OwnCertificateKind
{
    /// <summary>Signs workloads' certificates.</summary>
    Issuer,

    /// <summary>Sidecars believe it.</summary>
    Root,

    /// <summary>Shown by the gRPC and webhook listeners; made anew by itself.</summary>
    Server,
}

/// <summary>A certificate of the control plane's own, as it is now.</summary>
public readonly record struct OwnCertificate(OwnCertificateKind Kind, X509Certificate2 Certificate)
{
    /// <summary>Start of its validity.</summary>
    public DateTimeOffset BeginsAt => new(Certificate.NotBefore.ToUniversalTime());

    /// <summary>End of its validity.</summary>
    public DateTimeOffset EndsAt => new(Certificate.NotAfter.ToUniversalTime());

    /// <summary>Its subject; the server's has none, so what it is called by.</summary>
    public string Name => Certificate.Subject is { Length: > 0 } subject ? subject : "gRPC and webhooks";
}
