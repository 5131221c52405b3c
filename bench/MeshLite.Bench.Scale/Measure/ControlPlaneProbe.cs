using System.Globalization;
using MeshLite.Bench.Results;
using MeshLite.Processes;

namespace MeshLite.Bench.Scale.Measure;

/// <summary>Watches the control plane's process: CPU, memory, and what its metrics say. One task asks.</summary>
internal sealed class ControlPlaneProbe(ManagedProcess process, Uri metrics, TimeProvider time) : IDisposable
{
    private const string Updates = "meshlite_config_updates_total";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly HttpClient _http = new();
    private Snapshot _before;
    private double _peakMb;
    private ITimer? _sampler;

    /// <summary>A phase begins.</summary>
    public async Task BeginAsync()
    {
        _before = await TakeAsync();
        _peakMb = PrivateMb();
        _sampler = time.CreateTimer(_ => Sample(), null, Interval, Interval);
    }

    /// <summary>It is over: what it cost.</summary>
    public async Task<ControlPlaneFigures> EndAsync()
    {
        _sampler?.Dispose();
        Sample();
        var after = await TakeAsync();
        return new ControlPlaneFigures(
            Math.Round((after.Cpu - _before.Cpu).TotalSeconds, 2),
            Math.Round((after.OwnCpu - _before.OwnCpu).TotalSeconds, 2),
            Math.Round(time.GetElapsedTime(_before.At, after.At).TotalSeconds, 1),
            Math.Round(PrivateMb()),
            Math.Round(_peakMb),
            Math.Round(after.HeapMb),
            Math.Round(after.PauseSeconds - _before.PauseSeconds, 2),
            (long)(after.Updates - _before.Updates),
            (long)(after.Bytes - _before.Bytes));
    }

    /// <summary>Returns once a second has gone by without an update, or after a minute.</summary>
    public async Task QuietAsync()
    {
        var last = -1.0;
        for (var i = 0; i < 60; i++)
        {
            var now = Value(await TextAsync(), Updates);
            if (now == last)
            {
                return;
            }

            last = now;
            await Task.Delay(TimeSpan.FromSeconds(1), time);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sampler?.Dispose();
        _http.Dispose();
    }

    private void Sample() => _peakMb = Math.Max(_peakMb, PrivateMb());

    private double PrivateMb()
    {
        try
        {
            return ProcessUsage.PrivateBytes(process.Id) / 1e6;
        }
        catch (IOException)
        {
            // It has ended, which whoever asks it for its metrics will say.
            return 0;
        }
    }

    private async Task<Snapshot> TakeAsync()
    {
        var text = await TextAsync();
        return new Snapshot(
            time.GetTimestamp(), ProcessUsage.Cpu(process.Id), ProcessUsage.Cpu(Environment.ProcessId),
            Value(text, Updates), Value(text, "meshlite_config_update_bytes_total"), Value(text, "dotnet_gc_heap_bytes") / 1e6, Value(text, "dotnet_gc_pause_seconds_total"));
    }

    private async Task<string> TextAsync()
    {
        try
        {
            return await _http.GetStringAsync(metrics);
        }
        catch (HttpRequestException problem)
        {
            throw new ProcessFailedException($"{process.Name} does not answer ({problem.Message}); its last output:\n{process.Log.Tail(20)}");
        }
    }

    private static double Value(string text, string name) =>
        text.Split('\n').FirstOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal)) is { } line ? double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture) : 0;

    private readonly record struct Snapshot(long At, TimeSpan Cpu, TimeSpan OwnCpu, double Updates, double Bytes, double HeapMb, double PauseSeconds);
}
