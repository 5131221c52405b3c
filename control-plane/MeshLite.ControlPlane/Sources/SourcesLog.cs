using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>Log lines of Sources/, 2100 to 2199.</summary>
internal static partial class SourcesLog
{
    [LoggerMessage(2100, LogLevel.Information, "Read {File}: {Documents} document(s)", EventName = "FileRead")]
    public static partial void FileRead(ILogger logger, string file, int documents);

#pragma warning disable SYSLIB1015 // the reason's parts, as fields of their own
    [LoggerMessage(2101, LogLevel.Error, "Refused: {Reason}", EventName = "DocumentRefused")]
    public static partial void DocumentRefused(ILogger logger, ResourceError reason, string file, int line, string document, string field, string problem);
#pragma warning restore SYSLIB1015

    [LoggerMessage(2102, LogLevel.Error, "Cannot list {Directory}, everything stays as it was: {Problem}", EventName = "DirectoryUnreadable")]
    public static partial void DirectoryUnreadable(ILogger logger, string directory, string problem);

    [LoggerMessage(2103, LogLevel.Warning, "Cannot watch {Directory}, it is looked at every second instead: {Problem}", EventName = "WatchFailed")]
    public static partial void WatchFailed(ILogger logger, string directory, string problem);

    [LoggerMessage(2104, LogLevel.Warning, "Cannot keep the last good configuration in {Directory}: {Problem}", EventName = "LastGoodFailed")]
    public static partial void LastGoodFailed(ILogger logger, string directory, string problem);

    [LoggerMessage(2105, LogLevel.Error, "Nothing is published yet: {Reason}", EventName = "Blocked")]
    public static partial void Blocked(ILogger logger, string reason);

    [LoggerMessage(2106, LogLevel.Error, "Looking at {Directory} failed; it is tried again", EventName = "LookFailed")]
    public static partial void LookFailed(ILogger logger, Exception exception, string directory);

    [LoggerMessage(2110, LogLevel.Information, "{Workload} registered for {Service} at {Address}", EventName = "WorkloadRegistered")]
    public static partial void WorkloadRegistered(ILogger logger, WorkloadKey workload, string service, string address);

    [LoggerMessage(2111, LogLevel.Information, "Lost the stream of {Workload}; its registration is dropped in {Grace}", EventName = "WorkloadLost")]
    public static partial void WorkloadLost(ILogger logger, WorkloadKey workload, TimeSpan grace);

    [LoggerMessage(2112, LogLevel.Information, "Dropped {Workload}", EventName = "WorkloadDropped")]
    public static partial void WorkloadDropped(ILogger logger, WorkloadKey workload);

    [LoggerMessage(2113, LogLevel.Error, "Cannot write {File}: {Problem}", EventName = "RegistrationsNotSaved")]
    public static partial void RegistrationsNotSaved(ILogger logger, string file, string problem);

    [LoggerMessage(2114, LogLevel.Error, "Ignored {File}: {Problem}", EventName = "RegistrationsUnreadable")]
    public static partial void RegistrationsUnreadable(ILogger logger, string file, string problem);

    [LoggerMessage(2120, LogLevel.Information, "Nothing is published yet: {Reason}", EventName = "Waiting")]
    public static partial void Waiting(ILogger logger, string reason);
}
