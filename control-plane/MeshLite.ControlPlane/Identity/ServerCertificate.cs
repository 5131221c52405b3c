using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// The control plane's own certificate, signed by its own authority: the names and addresses it is reached at, and its
/// SPIFFE ID. Its key never leaves memory. Made anew at two thirds of its life, at the first handshake after that;
/// thread-safe, owned by <see cref="IdentityModule"/>.
/// </summary>
internal sealed class ServerCertificate(
    SvidIssuer issuer, IdentityOptions options, string trustDomain, TimeProvider time, ILogger logger)
{
    /// <summary>Nobody but this process holds the key, so its life matters little. <value>24 h.</value></summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private readonly Lock _lock = new();
    private volatile Issued? _current;

    /// <summary>The certificate to show in a handshake that begins now.</summary>
    public SslStreamCertificateContext Current()
    {
        var now = time.GetUtcNow();
        if (_current is { } current && now < current.RenewAt)
        {
            return current.Context;
        }

        lock (_lock)
        {
            if (_current is not { } held || now >= held.RenewAt)
            {
                _current = held = Issue(now);
            }

            return held.Context;
        }
    }

    private Issued Issue(DateTimeOffset now)
    {
        using var key = ECDsa.Create(SvidProfile.Curve);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in Names().Distinct())
        {
            if (IPAddress.TryParse(name, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(name);
            }
        }

        var id = new SpiffeId(trustDomain, SvidProfile.ControlPlaneNamespace, SvidProfile.ControlPlaneServiceAccount);
        using var certificate = issuer.Issue(id, new PublicKey(key), Lifetime, names);
        var context = SslStreamCertificateContext.Create(
            certificate.CopyWithPrivateKey(key), [.. issuer.Intermediates], offline: true);
        IdentityLog.ServerCertificateMade(logger, certificate.NotAfter.ToUniversalTime());
        var end = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        return new Issued(context, now + ((end - now) * 2 / 3));
    }

    private IEnumerable<string> Names()
    {
        yield return "localhost";
        yield return SvidProfile.ControlPlaneServiceAccount;
        foreach (var name in options.SubjectNames)
        {
            yield return name;
        }

        yield return IPAddress.Loopback.ToString();
        yield return IPAddress.IPv6Loopback.ToString();
        foreach (var address in options.ListenAddresses.SelectMany(Expand))
        {
            yield return new IPAddress(address.GetAddressBytes()).ToString(); // without IPv6 scope
        }
    }

    private static IEnumerable<IPAddress> Expand(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)
            ? NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)
            : [address];

    private sealed record Issued(SslStreamCertificateContext Context, DateTimeOffset RenewAt);
}
