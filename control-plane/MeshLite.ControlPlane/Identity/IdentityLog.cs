using MeshLite.Model;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>Log lines of Identity/, 2000 to 2099. Never a token, never a key.</summary>
internal static partial class IdentityLog
{
    [LoggerMessage(2000, LogLevel.Information, "Certificate authority ready: {Roots} root(s), signing until {NotAfter:u}", EventName = "AuthorityReady")]
    public static partial void AuthorityReady(ILogger logger, int roots, DateTimeOffset notAfter);

    [LoggerMessage(2001, LogLevel.Information, "Made the control plane's own certificate, valid until {NotAfter:u}", EventName = "ServerCertificateMade")]
    public static partial void ServerCertificateMade(ILogger logger, DateTime notAfter);

    [LoggerMessage(2002, LogLevel.Information, "Certified {Identity} ({Proof}) until {NotAfter:u}", EventName = "Certified")]
    public static partial void Certified(ILogger logger, SpiffeId identity, string proof, DateTime notAfter);

    [LoggerMessage(2003, LogLevel.Warning, "Refused to certify a caller at {Remote}: {Reason}", EventName = "CertifyRefused")]
    public static partial void CertifyRefused(ILogger logger, string? remote, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "Refused the client certificate of {Remote}: it {Sentence}", EventName = "ClientCertificateRefused")]
    public static partial void ClientCertificateRefused(ILogger logger, string? remote, string sentence);

    [LoggerMessage(2005, LogLevel.Warning, "Cannot ask the API server about a token: {Problem}", EventName = "TokenReviewFailed")]
    public static partial void TokenReviewFailed(ILogger logger, string problem);

    [LoggerMessage(2020, LogLevel.Information, "Join-token keys changed: {KeyId} signs, {Retiring} older", EventName = "TokenKeysChanged")]
    public static partial void TokenKeysChanged(ILogger logger, string keyId, int retiring);

    [LoggerMessage(2021, LogLevel.Error, "The join-token keys have changed but cannot be read, those known stay in force: {Problem}", EventName = "TokenKeysUnreadable")]
    public static partial void TokenKeysUnreadable(ILogger logger, string problem);

    [LoggerMessage(2006, LogLevel.Warning, "Cannot read the authority's Secret, trying again: {Problem}", EventName = "AuthorityUnreachable")]
    public static partial void AuthorityUnreachable(ILogger logger, string problem);
}
