using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Hosting;

/// <summary>
/// Hears from Kestrel of what it refused by itself: heads that are no HTTP, that are too long or never end, frames that
/// are no HTTP/2. Such a request never reaches a pipeline, and Kestrel tells nobody but its log (its metrics are those of
/// System.Diagnostics.Metrics, which our programs do without). One per program; thread-safe.
/// </summary>
public sealed class KestrelRefusals : ILoggerProvider
{
    private const string Http1 = "Microsoft.AspNetCore.Server.Kestrel.BadRequests";
    private const string Http2 = "Microsoft.AspNetCore.Server.Kestrel.Http2";
    private const string Connections = "Microsoft.AspNetCore.Server.Kestrel.Connections";
    private const string Rejected = "ConnectionRejected";

    /// <summary>Reason of a connection beyond the most that may be open.</summary>
    public const string TooMany = "too_many_connections";

    /// <summary>Who counts them: listener, client, reason, detail. Set once, before Kestrel starts.</summary>
    public Action<string, string, string, string>? Heard { get; set; }

    /// <summary>The name by which a connection is known to Kestrel, from which <see cref="Heard"/> learns listener and client.</summary>
    public static string ConnectionId(string listener, EndPoint? client) => $"{listener} {client}";

    /// <summary>Listens, at the level at which Kestrel says it and to nothing else.</summary>
    public void AddTo(ILoggingBuilder logging)
    {
        logging.AddProvider(this);
        logging.AddFilter<KestrelRefusals>(null, LogLevel.None);
        logging.AddFilter<KestrelRefusals>(Http1, LogLevel.Debug);
        logging.AddFilter<KestrelRefusals>(Http2, LogLevel.Debug);
        logging.AddFilter<KestrelRefusals>(Connections, LogLevel.Warning);
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => categoryName is Http1 or Http2 or Connections ? new Listening(this) : NullLogger.Instance;

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing is held.
    }

    private void Hear(string what, object? state, Exception? exception)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> values
            || values.FirstOrDefault(value => value.Key == "ConnectionId").Value is not string connection)
        {
            return;
        }

        var space = connection.IndexOf(' ');
        var reason = what == Rejected ? TooMany
            : exception is BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } ? "request_timeout"
            : "protocol_error";
        // A connection that is one too many, of a port whose connections are all Kestrel's, has no name of ours yet.
        Heard?.Invoke(
            space < 0 ? "operator" : connection[..space], space < 0 ? connection : connection[(space + 1)..], reason,
            exception?.Message ?? (what == Rejected ? "there are as many as may be" : "no HTTP"));
    }

    private sealed class Listening(KestrelRefusals owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel is LogLevel.Debug or LogLevel.Warning or LogLevel.Critical;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name is "ConnectionBadRequest" or "Http2ConnectionError" or "HPackDecodingError" or "Http2TooManyEnhanceYourCalms"
                or "Http2QueueOperationsExceeded" or "Http2FlowControlQueueOperationsExceeded" or Rejected)
            {
                owner.Hear(eventId.Name, state, exception);
            }
        }
    }
}
