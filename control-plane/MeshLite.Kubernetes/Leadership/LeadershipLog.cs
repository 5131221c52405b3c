using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Leadership;

/// <summary>Log lines of Leadership/, 2750 to 2799.</summary>
internal static partial class LeadershipLog
{
    [LoggerMessage(2750, LogLevel.Information, "{Identity} leads, by Lease {Lease}", EventName = "Elected")]
    public static partial void Elected(ILogger logger, string identity, ObjectKey lease);

    [LoggerMessage(2751, LogLevel.Warning, "{Identity} no longer leads: {Reason}", EventName = "Deposed")]
    public static partial void Deposed(ILogger logger, string identity, string reason);

    [LoggerMessage(2752, LogLevel.Information, "Lease {Lease} is held by {Holder}", EventName = "HolderSeen")]
    public static partial void HolderSeen(ILogger logger, ObjectKey lease, string holder);

    [LoggerMessage(2753, LogLevel.Warning, "Lease {Lease} cannot be read or written: {Problem}", EventName = "LeaseFailed")]
    public static partial void LeaseFailed(ILogger logger, ObjectKey lease, string problem);

    [LoggerMessage(2754, LogLevel.Error, "What {Identity} did as leader failed; the Lease is given up", EventName = "LeadingFailed")]
    public static partial void LeadingFailed(ILogger logger, Exception exception, string identity);

    [LoggerMessage(2755, LogLevel.Information, "{Identity} gave the Lease up", EventName = "Released")]
    public static partial void Released(ILogger logger, string identity);
}
