using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Kubernetes.Connection;

/// <summary>
/// Decides whether whoever answered is the API server: a chain to one of the given authorities, and the name that was asked for. Authorities in a file are
/// read anew for each handshake, so they may rotate. Without any, those of the system.
/// </summary>
internal sealed class ServerTrust
{
    private readonly string? _file;
    private readonly X509Certificate2Collection? _fixed;

    private ServerTrust(string? file, X509Certificate2Collection? authorities) => (_file, _fixed) = (file, authorities);

    /// <summary>The system's authorities.</summary>
    public static ServerTrust System { get; } = new(null, null);

    /// <summary>Those in a PEM file, which must be there now.</summary>
    public static ServerTrust File(string path)
    {
        Read(path);
        return new ServerTrust(path, null);
    }

    /// <summary>Those in a PEM text.</summary>
    public static ServerTrust Pem(string pem, string origin) => new(null, Parse(pem, origin));

    /// <summary>As <see cref="RemoteCertificateValidationCallback"/>.</summary>
    public bool Accepts(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if ((_file ?? (object?)_fixed) is null)
        {
            return errors == SslPolicyErrors.None;
        }

        if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_fixed ?? Read(_file!));
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainElements.Select(e => e.Certificate).ToArray());
        }

        return chain.Build(leaf);
    }

    private static X509Certificate2Collection Read(string path)
    {
        try
        {
            return Parse(global::System.IO.File.ReadAllText(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ConnectionException($"the API server's certificate authority cannot be read: {error.Message}");
        }
    }

    private static X509Certificate2Collection Parse(string pem, string origin)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(pem);
        }
        catch (CryptographicException error)
        {
            throw new ConnectionException($"{origin}: not a certificate in PEM: {error.Message}");
        }

        return authorities.Count > 0 ? authorities : throw new ConnectionException($"{origin}: no certificate in it");
    }
}
