using System.Globalization;
using System.Text;
using MeshLite.Bench.Results;

namespace MeshLite.Bench.Report;

/// <summary>What the page says of the control plane's scale.</summary>
internal static class ScaleSection
{
    public static void Write(StringBuilder text, ScaleRuns? scale)
    {
        foreach (var run in scale?.Runs ?? [])
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## control plane, {run.Sidecars} sidecars").AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{scale!.Date:yyyy-MM-dd}, {scale.Machine.Processor}, {scale.Machine.Cores} cores, shared with the simulator. {run.Services} services, {run.Endpoints} endpoints, {run.Stuck} more sidecars that never acknowledge; ready {run.StartSeconds:0.0} s after its start.").AppendLine();
            text.AppendLine("| phase | s | CPU s | the simulator's | MB at end, peak | updates | MB sent | changes | to ACK p50, p99, max ms | missing | connect p50, p99, max ms |");
            text.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|");
            foreach (var phase in run.Phases)
            {
                var cost = phase.ControlPlane;
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"| {phase.Name} | {cost.Seconds:0.0} | {cost.CpuSeconds:0.0} | {cost.SimulatorCpuSeconds:0.0} | {cost.PrivateMb:0}, {cost.PeakMb:0} | {cost.Updates} | {cost.Bytes / 1e6:0.0} | {phase.Changes} | {Cell(phase.ChangeToAck)} | {phase.Missing} | {Cell(phase.Connect)} |");
            }

            text.AppendLine();
        }
    }

    private static string Cell(LatencyFigures? figures) =>
        figures is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{figures.P50Ms:0}, {figures.P99Ms:0}, {figures.MaxMs:0}");
}
