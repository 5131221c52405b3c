using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// One handshake with another sidecar: the options to give to SslStream, and afterwards whom it was with. Made for one
/// connection by <see cref="ClientTls"/> or <see cref="ServerTls"/>, used by it alone.
/// </summary>
internal sealed class TlsHandshake<TOptions>
{
    private readonly WorkloadCertificate _own;
    private readonly PeerRole _peer;
    private readonly SpiffeId? _expected;

    internal TlsHandshake(WorkloadCertificate own, PeerRole peer, SpiffeId? expected, Func<RemoteCertificateValidationCallback, TOptions> options)
    {
        _own = own;
        _peer = peer;
        _expected = expected;
        Options = options(Validate);
    }

    /// <summary>For <c>AuthenticateAs…Async</c>.</summary>
    public TOptions Options { get; }

    /// <summary>
    /// The peer, or why it was refused; both empty until its certificate was looked at. After a handshake that succeeded
    /// there is an identity, also where it resumed a session: .NET presents the session's certificate anew.
    /// </summary>
    public PeerIdentityResult Result { get; private set; }

    /// <summary>After a handshake that succeeded: when the first of what was shown, by either side, expires.</summary>
    public DateTimeOffset EndsAt => Result.ExpiresAt < _own.NotAfter ? Result.ExpiresAt : _own.NotAfter;

    /// <summary>
    /// How the handshake ended, as label of the metric: <c>ok</c>; the reason the peer's certificate was refused; <c>tls</c>
    /// (no common version or ALPN, an alert of the peer's), <c>aborted</c>, <c>timeout</c>.
    /// </summary>
    public string Outcome(Exception? error) => error switch
    {
        null => "ok",
        _ when Result.Failure != PeerFailure.None => Result.Failure.ToLabel(),
        AuthenticationException => "tls",
        OperationCanceledException or TimeoutException => "timeout",
        _ => "aborted",
    };

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        // The errors are SslStream's own opinion, formed without roots (MeshTls.NoPolicy).
        var result = _own.Verifier.Verify(certificate as X509Certificate2, chain?.ChainPolicy.ExtraStore, _peer);
        Result = _expected is not null && result.Id is { } id && id != _expected
            ? PeerIdentityResult.Refused(PeerFailure.ServerNotExpected)
            : result;
        return Result.Id is not null;
    }
}
