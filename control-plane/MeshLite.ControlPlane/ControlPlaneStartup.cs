using MeshLite.Hosting;

namespace MeshLite.ControlPlane;

/// <summary>
/// The life of the process: start, announce, ready once the configuration has been read, until SIGTERM or SIGINT.
/// </summary>
internal static class ControlPlaneStartup
{
    /// <summary>Runs; the exit code.</summary>
    public static async Task<int> RunAsync(ControlPlaneOptions options, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var levels = new LogLevels(options.LogLevel);
        await using var host = await ControlPlaneHost.StartAsync(options, time, logging => logging.UseJsonLines(levels, time), cancellationToken);
        host.Announce();
        try
        {
            await host.WhenReady.WaitAsync(host.Stopping);
            Announce.Ready();
            host.LogReady();
        }
        catch (OperationCanceledException)
        {
            // Told to stop before it was ready.
        }

        return await host.WaitAsync();
    }
}
