using System.Text.Json;
using MeshLite.Hosting;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Hosting;

public sealed class LoggingTests
{
    [Fact]
    public void Write_Entry_OneFlatLine()
    {
        var line = Format("sent \"{Count}\" to\n{SidecarName} in {Elapsed}", 3, "orders-1", 1.5);

        line.ShouldEndWith("}\n");
        line.TrimEnd('\n').ShouldNotContain("\n");
        var json = JsonDocument.Parse(line).RootElement;
        json.GetProperty("time").GetString().ShouldBe("2026-01-01T00:00:00.000Z");
        json.GetProperty("level").GetString().ShouldBe("warn");
        json.GetProperty("event").GetString().ShouldBe("Sent");
        json.GetProperty("message").GetString().ShouldBe("sent \"3\" to\norders-1 in 1.5");
        json.GetProperty("count").GetInt32().ShouldBe(3);
        json.GetProperty("sidecar_name").GetString().ShouldBe("orders-1");
        json.GetProperty("elapsed").GetDouble().ShouldBe(1.5);
    }

    [Fact]
    public void Write_ValueNamedAsAField_DoesNotRepeatTheField()
    {
        var json = JsonDocument.Parse(Format("{Level}", "high")).RootElement;

        json.GetProperty("level").GetString().ShouldBe("warn");
        json.GetProperty("level_").GetString().ShouldBe("high");
    }

    [Theory]
    [InlineData("MeshLite.Sidecar.Routing", LogLevel.Debug, true)]
    [InlineData("MeshLite.Sidecar.RoutingOther", LogLevel.Debug, false)]
    [InlineData("MeshLite.Sidecar", LogLevel.Information, true)]
    [InlineData("Microsoft.AspNetCore.Hosting", LogLevel.Information, false)]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel.Connections", LogLevel.Warning, false)]
    public void IsEnabled_LongestPrefixDecides(string category, LogLevel level, bool expected)
    {
        var levels = new LogLevels(LogLevel.Information);
        levels.Set("MeshLite.Sidecar.Routing", LogLevel.Trace);

        levels.IsEnabled(category, level).ShouldBe(expected);
    }

    [Fact]
    public void Set_OfACategoryAskedForBefore_IsInForceAtOnce()
    {
        const string category = "MeshLite.Sidecar.Routing";
        var levels = new LogLevels(LogLevel.Information);
        levels.IsEnabled(category, LogLevel.Debug).ShouldBeFalse();

        levels.Set("MeshLite.Sidecar", LogLevel.Debug);
        levels.IsEnabled(category, LogLevel.Debug).ShouldBeTrue();

        levels.Set("MeshLite.Sidecar", null);
        levels.IsEnabled(category, LogLevel.Debug).ShouldBeFalse();

        levels.Set(LogLevel.Debug);
        levels.IsEnabled(category, LogLevel.Debug).ShouldBeTrue();
    }

    private static string Format(string template, params object?[] values)
    {
        var logger = new CapturingLogger(new JsonLineFormatter(new ManualTimeProvider()));
#pragma warning disable CA2254, CA1848 // the template is what is tested
        logger.Log(LogLevel.Warning, new EventId(7, "Sent"), template, values);
#pragma warning restore CA2254, CA1848
        return logger.Output.ToString();
    }

    private sealed class CapturingLogger(JsonLineFormatter formatter) : ILogger
    {
        public StringWriter Output { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> format)
        {
            var entry = new LogEntry<TState>(logLevel, "Test", eventId, state, exception, format);
            formatter.Write(in entry, null, Output);
        }
    }
}
