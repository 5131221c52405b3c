using MeshLite.Bench.Results;

namespace MeshLite.Bench.Scale;

/// <summary>A line for each phase on standard output.</summary>
internal static class ScaleTable
{
    public static string Of(PhaseResult phase)
    {
        var cost = phase.ControlPlane;
        var line = $"{phase.Name,-24}{cost.Seconds,7:0.0} s {cost.CpuSeconds,7:0.00} s CPU (simulator {cost.SimulatorCpuSeconds:0.00}) {cost.PeakMb,6:0} MB (heap {cost.HeapMb:0}, pauses {cost.PauseSeconds:0.00} s) {cost.Updates,8} updates {cost.Bytes / 1e6,8:0.0} MB sent";
        line += phase.ChangeToAck is { } acks ? $"; {phase.Changes} changes to ACK p50 {acks.P50Ms:0} p99 {acks.P99Ms:0} max {acks.MaxMs:0} ms" : "";
        line += phase.Connect is { } connects ? $"; connect p50 {connects.P50Ms:0} p99 {connects.P99Ms:0} max {connects.MaxMs:0} ms" : "";
        return line + (phase.Missing > 0 ? $"; {phase.Missing} ACKs MISSING" : "");
    }
}
