using MeshLite.Sidecar;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>A sidecar a test asks <see cref="MeshFixture"/> for, where it is not like all others.</summary>
internal sealed record TestSidecar(string Service, int AppPort = 0)
{
    /// <summary>Of the token.</summary>
    public string Namespace { get; init; } = "shop";

    /// <summary>Instead of a good one.</summary>
    public string? Token { get; init; }

    /// <summary>A name of its own, and with it a state directory of its own, unless given.</summary>
    public string? Name { get; init; }

    /// <summary>Kept while the sidecar lives, from its first line on.</summary>
    public LogCapture? Logs { get; init; }

    /// <summary>Where access log lines go.</summary>
    public Stream? AccessLog { get; init; }

    /// <summary>Changes options of the process.</summary>
    public Func<SidecarOptions, SidecarOptions> Options { get; init; } = options => options;

    /// <summary>Changes limits of Kestrel, which would take too long to reach.</summary>
    public Action<KestrelServerLimits>? Limits { get; init; }

    /// <summary>Of the console.</summary>
    public LogLevel Level => Logs is null ? LogLevel.Warning : LogLevel.Trace;
}
