using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MeshLite.Hosting;

/// <summary>Sets a host's logging to JSON lines on standard output. Called once, while the host is built.</summary>
public static class JsonLines
{
    /// <summary>Replaces whatever providers there are. <paramref name="levels"/> stays changeable afterwards.</summary>
    public static ILoggingBuilder UseJsonLines(this ILoggingBuilder logging, LogLevels levels, TimeProvider time)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Trace);
        logging.AddFilter((category, level) => levels.IsEnabled(category, level));
        logging.Services.TryAddSingleton(time);
        logging.AddConsoleFormatter<JsonLineFormatter, ConsoleFormatterOptions>();
        logging.AddConsole(console =>
        {
            console.FormatterName = JsonLineFormatter.FormatterName;
            // A reader of our output that stalls must not stall requests: lines are dropped, and the drop is told on stderr.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            console.MaxQueueLength = 4096;
        });
        return logging;
    }
}
