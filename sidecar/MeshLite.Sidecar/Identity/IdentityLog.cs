using MeshLite.Model;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Identity;

/// <summary>Log lines of Identity/, 1500 to 1599. Never a token, never a key.</summary>
internal static partial class IdentityLog
{
    [LoggerMessage(1500, LogLevel.Information, "Certified as {Identity} until {NotAfter:u}, to be renewed at {RenewAt:u}", EventName = "Certified")]
    public static partial void Certified(ILogger logger, SpiffeId identity, DateTimeOffset notAfter, DateTimeOffset renewAt);

    [LoggerMessage(1501, LogLevel.Information, "Took up the certificate of {Identity} from the state directory, valid until {NotAfter:u}", EventName = "Restored")]
    public static partial void Restored(ILogger logger, SpiffeId identity, DateTimeOffset notAfter);

    [LoggerMessage(1502, LogLevel.Warning, "Ignored what is in the state directory: {Problem}", EventName = "StateIgnored")]
    public static partial void StateIgnored(ILogger logger, string problem);

    [LoggerMessage(1503, LogLevel.Warning, "Could not keep the certificate in the state directory: {Problem}", EventName = "StateNotKept")]
    public static partial void StateNotKept(ILogger logger, string problem);

    [LoggerMessage(1504, LogLevel.Warning, "No new certificate: {Problem} (the one held expires at {NotAfter:u})", EventName = "CertifyFailed")]
    public static partial void CertifyFailed(ILogger logger, Exception? error, string problem, DateTimeOffset? notAfter);

    [LoggerMessage(1505, LogLevel.Information, "The trust bundle now holds {Roots} root(s)", EventName = "BundleChanged")]
    public static partial void BundleChanged(ILogger logger, int roots);

    [LoggerMessage(1506, LogLevel.Information, "{Count} connection(s) cut: the certificate or root that one of their ends had shown has ended", EventName = "ConnectionsCut")]
    public static partial void ConnectionsCut(ILogger logger, int count);
}
