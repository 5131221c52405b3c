using System.Net.Http;
using System.Text;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Status;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// The mesh's authority in a cluster: the Secret <c>meshlite-ca</c> in the control plane's namespace. Made by whichever replica comes first; the
/// API server lets one creation win, and everybody reads what won. One brought by the user (cert-manager's keys are the same)
/// is used as it is; what becomes of changes is recorded in a key of its own, by whoever leads. Followed by a <see cref="Reflector{T}"/> of this one name.
/// </summary>
internal sealed class AuthoritySecret(KubernetesClient client, string ns, TimeProvider time, Random random, ILogger logger) : IAuthorityStore, IReflectorSink<Secret>
{
    /// <summary>Its name.</summary>
    public const string Name = "meshlite-ca";

    /// <summary>PEM, the signing certificate and what chains it to its root.</summary>
    private const string CertificateKey = "tls.crt";

    /// <summary>PEM, the signing key.</summary>
    private const string PrivateKey = "tls.key";

    /// <summary>PEM, further roots; may be missing.</summary>
    private const string RootsKey = "ca.crt";

    /// <summary>The record.</summary>
    private const string RecordKey = "authority.json";

    /// <summary>Whose Secret it is, if it is cert-manager's.</summary>
    private const string CertificateAnnotation = "cert-manager.io/certificate-name";

    private readonly Wakeup _wakeup = new();
    private volatile Secret? _seen;

    /// <inheritdoc/>
    public string Origin => $"Secret {Key}";

    private ObjectKey Key => new(ns, Name);

    /// <summary>Follows it until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => new Reflector<Secret>(
        client, ResourceTypes.Secrets, new Selection { Namespace = ns, FieldSelector = $"metadata.name={Name}" }, new ReflectorOptions(), time, random, logger).RunAsync(this, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoredAuthority> ReadAsync(CancellationToken cancellationToken)
    {
        if (_seen is not { } secret)
        {
            return ValueTask.FromResult(new StoredAuthority(null, null, ""));
        }

        // What is missing or no text is a bad offer, and says so where it is parsed; the record is in force all the same.
        var record = secret.Data.TryGetValue(RecordKey, out var bytes) ? AuthorityJson.Read(Encoding.UTF8.GetString(bytes), $"{Origin} ({RecordKey})") : null;
        var offer = new AuthorityOffer(Lenient(PrivateKey), $"{Origin} ({PrivateKey})", Lenient(CertificateKey) + "\n" + Lenient(RootsKey), $"{Origin} ({CertificateKey}, {RootsKey})");
        return ValueTask.FromResult(new StoredAuthority(offer, record, secret));

        string Lenient(string name) => secret.Data.TryGetValue(name, out var text) ? Encoding.UTF8.GetString(text) : "";
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TrySaveAsync(StoredAuthority read, AuthorityRecord next, CancellationToken cancellationToken)
    {
        var secret = (Secret)read.Version;
        var data = new Dictionary<string, byte[]>(secret.Data, StringComparer.Ordinal);
        if (next.IsMirrorDue)
        {
            // One object, one write: nothing is left to be done.
            next = next with { IsMirrorDue = false };
            var mirror = next.Mirror;
            (data[PrivateKey], data[CertificateKey], data[RootsKey]) =
                (Encoding.UTF8.GetBytes(mirror.Key), Encoding.UTF8.GetBytes(mirror.Chain), Encoding.UTF8.GetBytes(string.Concat(mirror.Roots)));
        }

        data[RecordKey] = Encoding.UTF8.GetBytes(AuthorityJson.Write(next));
        try
        {
            _seen = await client.ReplaceAsync(ResourceTypes.Secrets, secret with { Data = data }, cancellationToken);
            return true;
        }
        catch (KubernetesException problem) when (problem.Reason == KubernetesReason.Conflict)
        {
            await CatchUpAsync(cancellationToken);
            return false;
        }
        catch (Exception problem) when (problem is KubernetesException or HttpRequestException or TimeoutException)
        {
            throw new AuthorityStoreException($"{Origin}: {problem.Message}", problem);
        }
    }

    /// <inheritdoc/>
    public async Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _wakeup.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nothing came.
        }
    }

    /// <summary>Only what a command began: what cert-manager wrote is cert-manager's.</summary>
    public bool Mirrors(RotationOrigin origin) => origin == RotationOrigin.Command;

    /// <inheritdoc/>
    public string? ForeignOwner(StoredAuthority read) => ((Secret)read.Version).Metadata.Annotations?.GetValueOrDefault(CertificateAnnotation) is { } certificate
        ? $"{Origin} is written by cert-manager (Certificate {certificate}): renew that, and the mesh follows by the same steps"
        : null;

    /// <inheritdoc/>
    public void Replaced(IReadOnlyList<Secret> all) => See(all is [var one, ..] ? one : null);

    /// <inheritdoc/>
    public void Upserted(Secret changed) => See(changed);

    /// <summary>What is in force stays.</summary>
    public void Deleted(ObjectKey key) => See(null);

    /// <summary>Reads it, or makes it: what is in force as the process starts. Throws <see cref="StartupException"/> for one that is no authority, and what the client throws.</summary>
    public static async Task<AuthorityInForce> LoadOrCreateAsync(KubernetesClient client, string ns, TimeProvider time, CancellationToken cancellationToken)
    {
        var key = new ObjectKey(ns, Name);
        var secret = await client.FindAsync(ResourceTypes.Secrets, key, cancellationToken) ?? await CreateAsync(client, key, time, cancellationToken);
        var origin = $"Secret {key}";
        try
        {
            if (TextOf(secret, RecordKey, origin) is { } text)
            {
                return AuthorityInForce.From(AuthorityJson.Read(text, $"{origin} ({RecordKey})"), $"{origin} ({RecordKey})", time);
            }
        }
        catch (Exception problem) when (problem is StartupException or AuthorityStoreException)
        {
            // What is recorded has expired, or was damaged: what is offered may serve, or says why not.
        }

        var offer = OfferOf(secret, origin);
        return AuthorityInForce.Of(CertificateAuthority.FromPem(offer.Key, offer.KeyOrigin, offer.Certificates, offer.CertificatesOrigin, time));
    }

    private static AuthorityOffer OfferOf(Secret secret, string origin) => new(
        TextOf(secret, PrivateKey, origin) ?? throw Missing(origin, PrivateKey), $"{origin} ({PrivateKey})",
        (TextOf(secret, CertificateKey, origin) ?? throw Missing(origin, CertificateKey)) + "\n" + TextOf(secret, RootsKey, origin), $"{origin} ({CertificateKey}, {RootsKey})");

    // What the watch has not brought yet; where that fails too, it will.
    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            See(await client.FindAsync(ResourceTypes.Secrets, Key, cancellationToken));
        }
        catch (Exception problem) when (problem is KubernetesException or HttpRequestException or TimeoutException)
        {
            throw new AuthorityStoreException($"{Origin}: {problem.Message}", problem);
        }
    }

    private void See(Secret? secret)
    {
        // The watch may bring what was there before our own write.
        if (secret is not null && !(_seen is { } seen && seen.Metadata.Uid == secret.Metadata.Uid && IsOlder(secret.Metadata.ResourceVersion, seen.Metadata.ResourceVersion)))
        {
            _seen = secret;
        }

        _wakeup.Set();
    }

    // Of one object versions grow (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
    private static bool IsOlder(string? version, string? than) => ulong.TryParse(version, out var one) && ulong.TryParse(than, out var other) && one < other;

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
