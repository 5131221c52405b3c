using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MeshLite.Hosting;
using MeshLite.Sidecar.Capture;
using MeshLite.Sidecar.Identity;
using MeshLite.Sidecar.Lifecycle;
using Microsoft.AspNetCore.Hosting.Server;

namespace MeshLite.Sidecar;

/// <summary>
/// The life of the process:
/// <list type="number">
/// <item>A certificate is asked for, where there is none on disk. Admin and telemetry listen meanwhile, so that anyone can see why the rest is not there yet.</item>
/// <item>The proxy's ports are bound, but nothing is accepted: the stream must say where this workload is reached.</item>
/// <item>The certificate, then the first configuration: from the stream, or from disk.</item>
/// <item>The proxy's ports accept; ready.</item>
/// <item>SIGTERM or SIGINT: drain, then end.</item>
/// </list>
/// </summary>
internal static class SidecarStartup
{
    /// <summary>Runs until a signal; returns the exit code.</summary>
    public static async Task<int> RunAsync(SidecarOptions options, LogLevels levels)
    {
        if (options.Transparent)
        {
            SidecarUser.Check();
        }

        SystemRoots.Hide();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        using var threads = new WorkerThreads(new WorkerThreads.ProcessPool(), time);
        using var young = new YoungGeneration(new YoungGeneration.ProcessHeap(), time);
        await using var sidecar = SidecarComponents.Create(options, levels, time);
        using var stop = new StopSignal();

        // Step 1: admin and telemetry; on another thread what takes longest, a certificate
        sidecar.StartIdentity();
        await sidecar.Server.StartAsync(sidecar.Kestrel, sidecar.Application);
        Announce.Listening("admin", sidecar.Server.AdminAddress);
        Announce.Listening("telemetry", sidecar.Server.TelemetryAddress);

        // Step 2: bind
        try
        {
            sidecar.Bind();
        }
        catch (SocketException e)
        {
            throw new StartupException($"a port can't be had: {e.Message}", inner: e);
        }

        // Step 3: identity, configuration
        sidecar.StartLoops();
        if (!await WaitAsync(sidecar, stop.Token))
        {
            return 0;
        }

        // Step 4: accept
        sidecar.Accept();
        Announce.Listening("outbound", sidecar.OutboundAddress);
        Announce.Listening("inbound", sidecar.InboundAddress);
        sidecar.Readiness.SetReady();
        LifecycleLog.Ready(sidecar.Log, sidecar.Identity.Current!.Id.ToString(), time.GetElapsedTime(started).TotalMilliseconds);
        Announce.Ready();

        // Step 5: drain
        await stop.Task;
        await sidecar.Draining.DrainAsync();
        await sidecar.RefuseAsync();
        await sidecar.Draining.FinishAsync();
        return 0;
    }

    /// <summary>Waits for certificate and configuration, keeping the reason why not in <c>/ready</c>; false: told to stop before.</summary>
    internal static async Task<bool> WaitAsync(SidecarComponents sidecar, CancellationToken stop)
    {
        try
        {
            sidecar.Readiness.SetUnready(() => sidecar.Identity.Problem is { } problem ? $"no certificate: {problem}" : "waiting for a certificate");
            await sidecar.Identity.FirstCertificate.WaitAsync(stop);
            sidecar.Readiness.SetUnready(() => sidecar.Stream.Problem is { } problem ? $"no configuration: {problem}" : "waiting for the first configuration");
            await sidecar.Stream.FirstConfig.WaitAsync(stop);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>SIGTERM or SIGINT, once; the second one ends the process at once, as without a handler.</summary>
    private sealed class StopSignal : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PosixSignalRegistration _term;
        private readonly PosixSignalRegistration _interrupt;

        public StopSignal()
        {
            _term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle);
            _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);
        }

        /// <summary>Cancelled by the signal.</summary>
        public CancellationToken Token => _stop.Token;

        /// <summary>Completed by the signal.</summary>
        public Task Task => _received.Task;

        public void Dispose()
        {
            _term.Dispose();
            _interrupt.Dispose();
            _stop.Dispose();
        }

        private void Handle(PosixSignalContext context)
        {
            if (_received.TrySetResult())
            {
                context.Cancel = true;
                _stop.Cancel();
            }
        }
    }
}
