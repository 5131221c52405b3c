using System.Security.Cryptography;
using System.Text;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// The mesh's authority in a cluster: the Secret <c>meshlite-ca</c> in the control plane's namespace. Made by whichever replica comes first; the
/// API server lets one creation win, and everybody reads what won. Never overwritten: one brought by the user (cert-manager's keys are the same)
/// is used as it is.
/// </summary>
internal static class AuthoritySecret
{
    /// <summary>Its name.</summary>
    public const string Name = "meshlite-ca";

    /// <summary>PEM, the signing certificate and what chains it to its root.</summary>
    private const string CertificateKey = "tls.crt";

    /// <summary>PEM, the signing key.</summary>
    private const string PrivateKey = "tls.key";

    /// <summary>PEM, further roots; may be missing.</summary>
    private const string RootsKey = "ca.crt";

    /// <summary>Reads it, or makes it; throws <see cref="StartupException"/> for one that is no authority, and what the client throws.</summary>
    public static async Task<CertificateAuthority> LoadOrCreateAsync(KubernetesClient client, string ns, TimeProvider time, CancellationToken cancellationToken)
    {
        var key = new ObjectKey(ns, Name);
        var secret = await client.FindAsync(ResourceTypes.Secrets, key, cancellationToken) ?? await CreateAsync(client, key, time, cancellationToken);
        var origin = $"Secret {key}";
        return CertificateAuthority.FromPem(
            TextOf(secret, PrivateKey, origin) ?? throw Missing(origin, PrivateKey), $"{origin} ({PrivateKey})",
            (TextOf(secret, CertificateKey, origin) ?? throw Missing(origin, CertificateKey)) + "\n" + TextOf(secret, RootsKey, origin), origin, time);
    }

    private static async Task<Secret> CreateAsync(KubernetesClient client, ObjectKey key, TimeProvider time, CancellationToken cancellationToken)
    {
        var privateKey = CertificateAuthority.MakeKey();
        var root = Encoding.UTF8.GetBytes(CertificateAuthority.MakeRoot(privateKey, key.ToString(), time));
        var made = new Secret
        {
            Metadata = new ObjectMeta { Namespace = key.Namespace, Name = key.Name },
            Type = "kubernetes.io/tls",
            Data = new Dictionary<string, byte[]>(StringComparer.Ordinal)
            {
                [PrivateKey] = Encoding.UTF8.GetBytes(privateKey), [CertificateKey] = root, [RootsKey] = root,
            },
        };
        try
        {
            return await client.CreateAsync(ResourceTypes.Secrets, made, cancellationToken);
        }
        catch (KubernetesException problem) when (problem.Reason == KubernetesReason.AlreadyExists)
        {
            // Another replica was first.
            return await client.GetAsync(ResourceTypes.Secrets, key, cancellationToken);
        }
    }

    private static string? TextOf(Secret secret, string name, string origin)
    {
        try
        {
            return secret.Data?.GetValueOrDefault(name) is { } bytes ? new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes) : null;
        }
        catch (DecoderFallbackException problem)
        {
            throw new StartupException($"{origin}: {name} is not PEM", inner: problem);
        }
    }

    private static StartupException Missing(string origin, string name) => new($"{origin} has no {name}: bring key and certificate of an authority, or delete it to have one made");
}
