using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Injection;

/// <summary>Log lines of <c>Injection/</c>: ids 2600-2699.</summary>
internal static partial class InjectionLog
{
    [LoggerMessage(EventId = 2600, EventName = "Refused", Level = LogLevel.Information, Message = "webhook {Webhook} refuses a {Kind} of namespace {Namespace}: {Why}")]
    public static partial void Refused(ILogger logger, string webhook, string kind, string @namespace, string why);

    [LoggerMessage(EventId = 2601, EventName = "Failed", Level = LogLevel.Error, Message = "webhook {Webhook} failed on a {Kind} of namespace {Namespace}")]
    public static partial void Failed(ILogger logger, Exception error, string webhook, string kind, string @namespace);

    [LoggerMessage(EventId = 2602, EventName = "BundlePatched", Level = LogLevel.Information, Message = "{Kind} {Name} trusts our authority")]
    public static partial void BundlePatched(ILogger logger, string kind, string name);

    [LoggerMessage(EventId = 2603, EventName = "BundleNotPatched", Level = LogLevel.Warning, Message = "the API server can't be told by which authority to know our webhooks: {Why}")]
    public static partial void BundleNotPatched(ILogger logger, string why);
}
