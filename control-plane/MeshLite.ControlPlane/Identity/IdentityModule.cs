using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// Identity as the rest of the control plane sees it: TLS for its listener, who a caller is, the trust bundle, and the
/// Certify service. Made once at start by Program; thread-safe. <see cref="Apply"/> is called by the one who owns MeshConfig.
/// </summary>
public sealed class IdentityModule : IDisposable
{
    private readonly CertificateAuthority _authority;
    private readonly SvidIssuer _issuer;
    private readonly ITokenAuthenticator _tokens;
    private readonly IdentityOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile State _state;

    internal IdentityModule(CertificateAuthority authority, ITokenAuthenticator tokens, IdentityOptions options, TimeProvider time, ILogger<IdentityModule> logger)
    {
        _authority = authority;
        _issuer = new SvidIssuer(authority, time);
        _tokens = tokens;
        _options = options;
        _time = time;
        _logger = logger;
        _state = MakeState(new IdentitySettings());
        IdentityLog.AuthorityReady(logger, authority.Bundle.Roots.Length, authority.NotAfter);
    }

    /// <summary>The roots every sidecar is to trust (<c>Mesh.trust_bundle</c>).</summary>
    public TrustBundle TrustBundle => _authority.Bundle;

    /// <summary>When the key of join tokens was made; null in a cluster, which has none.</summary>
    public DateTimeOffset? TokenKeyMadeAt => _tokens.KeyMadeAt;

    /// <summary>In force now.</summary>
    public IdentitySettings Settings => _state.Settings;

    /// <summary>Certify calls by outcome: <c>token</c> and <c>renewal</c> were signed, everything else is why not.</summary>
    public ReasonCounter Certifications { get; } = new();

    /// <summary>Handshakes that failed, by reason: that of the client certificate's refusal, or <c>tls</c>.</summary>
    public ReasonCounter RefusedHandshakes { get; } = new();

    /// <summary>Reads or makes the CA and the join-token key of the data directory; throws <see cref="StartupException"/> with the reason it cannot.</summary>
    public static IdentityModule Create(IdentityOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger<IdentityModule>();
        var authority = CertificateAuthority.LoadOrCreate(options.DataDirectory, time);
        try
        {
            var tokens = new JoinTokenAuthenticator(new JoinTokenKeyStore(options.DataDirectory, logger), time);
            return new IdentityModule(authority, tokens, options, time, logger);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StartupException($"join-token key: {error.Message}", inner: error);
        }
    }

    /// <summary>New settings from MeshConfig; those in force before the first call are the defaults.</summary>
    public void Apply(IdentitySettings settings)
    {
        if (settings != _state.Settings)
        {
            _state = MakeState(settings);
        }
    }

    /// <summary>
    /// Puts TLS on the gRPC listener: TLS 1.3, HTTP/2, our newest certificate. A client certificate is welcome but not
    /// demanded (a new workload has none); one that does not verify ends the handshake.
    /// </summary>
    public void ConfigureHttps(ListenOptions listener)
    {
        listener.Protocols = HttpProtocols.Http2;
        listener.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = context => ValueTask.FromResult(ServerOptions(context.Connection)),
        });
    }

    /// <summary>Puts TLS on a listener whose callers are not of the mesh (the API server, which calls webhooks): our newest certificate, nothing asked of the caller.</summary>
    public void ConfigureServerHttps(ListenOptions listener)
    {
        listener.Protocols = HttpProtocols.Http1AndHttp2;
        listener.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = _state.Certificate.Current(),
                EnabledSslProtocols = MeshTls.Protocols,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        });
    }

    /// <summary>Adds the service <c>meshlite.v1.Identity</c>.</summary>
    public void MapTo(GrpcServer server) => server.AddUnary(
        MeshMethods.IdentityCertify, new IdentityService(this, _issuer, _tokens, _logger).CertifyAsync, IdentityService.MaxRequestBytes);

    /// <summary>Who calls, proved by the connection's client certificate; null where it showed none, or one that has expired since.</summary>
    public Caller? CallerOf(HttpContext context) =>
        context.Features.Get<Caller>() is { } caller && _time.GetUtcNow() < caller.ExpiresAt ? caller : null;

    /// <summary>Whether the caller is the control plane itself: another replica.</summary>
    public bool IsReplica(HttpContext context) => CallerOf(context)?.Id == OwnId(_state.Settings);

    /// <summary>Whether the caller runs meshctl: only <c>meshlite.v1.Operator</c> asks.</summary>
    public bool IsOperator(HttpContext context) => CallerOf(context)?.Id is { } id && id.TrustDomain == _state.Settings.TrustDomain && SvidProfile.IsOperator(id);

    /// <summary>All certificates of the control plane's own: what signs, the roots, and what its listeners show.</summary>
    public IEnumerable<OwnCertificate> Certificates()
    {
        yield return new OwnCertificate(OwnCertificateKind.Issuer, _authority.Certificate);
        foreach (var root in TrustBundle.Roots)
        {
            yield return new OwnCertificate(OwnCertificateKind.Root, root);
        }

        // Asked for, it is made anew where it is due: what is told is what the next handshake shows.
        yield return new OwnCertificate(OwnCertificateKind.Server, _state.Certificate.Current().TargetCertificate);
    }

    /// <summary>TLS of a connection to another replica: both show the control plane's own identity, nobody else's is accepted. For connections that begin soon.</summary>
    public SslClientAuthenticationOptions ReplicaTls()
    {
        var state = _state;
        return new SslClientAuthenticationOptions
        {
            TargetHost = SvidProfile.ControlPlaneServiceAccount,
            ClientCertificateContext = state.Certificate.Current(),
            EnabledSslProtocols = MeshTls.Protocols,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = MeshTls.NoPolicy(),
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                state.Verifier.Verify(certificate as X509Certificate2, chain?.ChainPolicy.ExtraStore, PeerRole.Server).Id == OwnId(state.Settings),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tokens.Dispose();
        _authority.Dispose();
    }

    private static SpiffeId OwnId(IdentitySettings settings) => new(settings.TrustDomain, SvidProfile.ControlPlaneNamespace, SvidProfile.ControlPlaneServiceAccount);

    private SslServerAuthenticationOptions ServerOptions(ConnectionContext connection)
    {
        var state = _state;
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = state.Certificate.Current(),
            EnabledSslProtocols = MeshTls.Protocols,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            ClientCertificateRequired = true, // asks for one; the callback lets none pass
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = MeshTls.NoPolicy(),
            // Nobody resumes: a sidecar has one long stream. But only then do all connections share what OpenSSL keeps for a
            // certificate, instead of each having its own. Sessions do not hold intermediates.
            AllowTlsResume = _issuer.Intermediates.Count == 0,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Accept(state.Verifier, connection, certificate, chain),
        };
    }

    private bool Accept(PeerVerifier verifier, ConnectionContext connection, X509Certificate? certificate, X509Chain? chain)
    {
        if (certificate is null)
        {
            return true;
        }

        var leaf = certificate as X509Certificate2;
        var result = verifier.Verify(leaf, chain?.ChainPolicy.ExtraStore, PeerRole.Client);
        if (result.Id is null)
        {
            connection.Features.Set(new RefusedCertificate(result.Failure));
            RefusedHandshakes.Increment(result.Failure.ToLabel());
            IdentityLog.ClientCertificateRefused(_logger, connection.RemoteEndPoint?.ToString(), result.Failure.ToSentence());
            return false;
        }

        connection.Features.Set(new Caller(result.Id, result.ExpiresAt) { BeginsAt = new DateTimeOffset(leaf!.NotBefore.ToUniversalTime()) });
        return true;
    }

    private State MakeState(IdentitySettings settings) => new(
        settings,
        new PeerVerifier(_authority.Bundle, settings.TrustDomain, _time),
        new ServerCertificate(_issuer, _options, settings.TrustDomain, _time, _logger));

    private sealed record State(IdentitySettings Settings, PeerVerifier Verifier, ServerCertificate Certificate);
}
