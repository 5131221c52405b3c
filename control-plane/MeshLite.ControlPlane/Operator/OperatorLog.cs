using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Operator;

/// <summary>Log lines of Operator/, 2500 to 2599.</summary>
internal static partial class OperatorLog
{
    [LoggerMessage(2500, LogLevel.Information, "Operator at {Remote} called {Method}: {Result}", EventName = "OperatorCalled")]
    public static partial void Called(ILogger logger, string method, string? remote, string result);

    [LoggerMessage(2501, LogLevel.Warning, "Refused the call of {Method} by {Remote}, who is not the operator", EventName = "OperatorDenied")]
    public static partial void CallDenied(ILogger logger, string method, string? remote);

    [LoggerMessage(2502, LogLevel.Warning, "{What} '{Name}' ends on {EndsAt:u}: {Advice}", EventName = "ExpiryNear")]
    public static partial void ExpiryNear(ILogger logger, string what, string name, DateTime endsAt, string advice);
}
