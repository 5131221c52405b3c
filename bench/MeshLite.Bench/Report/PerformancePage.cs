using System.Globalization;
using System.Text;
using System.Text.Json;
using MeshLite.Bench.Results;

namespace MeshLite.Bench.Report;

/// <summary>Turns results.json, and scale.json where there is one, into <c>docs/performance.md</c> with its plots in <c>docs/performance/</c>.</summary>
internal static class PerformancePage
{
    /// <summary>The process's exit code.</summary>
    public static int Write(string results, string docs)
    {
        RunResult run;
        ScaleRuns? scale;
        try
        {
            run = ResultsFile.Read<RunResult>(Path.Combine(results, "results.json"));
            var scaleFile = Path.Combine(results, "scale.json");
            scale = File.Exists(scaleFile) ? ResultsFile.Read<ScaleRuns>(scaleFile) : null;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            Console.Error.WriteLine($"{results}: {e.Message} (run `make bench` first)");
            return 1;
        }

        var plots = Directory.CreateDirectory(Path.Combine(docs, "performance")).FullName;
        var charts = Charts.Of(run).Concat(scale is null ? [] : Charts.Of(scale)).ToArray();
        foreach (var (file, chart) in charts)
        {
            File.WriteAllText(Path.Combine(plots, file), chart.ToSvg());
        }

        var page = Path.Combine(docs, "performance.md");
        File.WriteAllText(page, Text(run, scale, [.. charts.Select(c => (c.File, c.Chart.Title))]));
        Console.WriteLine($"written to {page}");
        return 0;
    }

    internal static string Text(RunResult run, ScaleRuns? scale, IReadOnlyList<(string File, string Title)> charts)
    {
        var text = new StringBuilder();
        text.AppendLine("# Performance").AppendLine();
        text.AppendLine("Written by `make bench-report` from what `make bench` measured; how, and what each word means, stands in [bench/README.md](../bench/README.md).");
        text.AppendLine("Speeds compare within one run; on another machine only the ratios do.").AppendLine();
        Machine(text, run);
        Targets(text, [.. Target.Of(run), .. scale is null ? [] : Target.Of(scale)]);
        foreach (var (file, title) in charts)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"![{title}](performance/{file})").AppendLine();
        }

        Cases(text, run);
        Memory(text, run);
        ScaleSection.Write(text, scale);
        return text.ToString();
    }

    private static void Machine(StringBuilder text, RunResult run)
    {
        var machine = run.Machine;
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{run.Date:yyyy-MM-dd}: {machine.Processor}, {machine.Cores} cores, {machine.MemoryGb} GB, {machine.Kernel}, {machine.Runtime}; {string.Join("; ", machine.Programs)}.");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{run.Rounds} rounds of {run.RoundSeconds} s, interleaved; medians, spread in brackets. Load average before the run: {machine.LoadAverage:0.0}.").AppendLine();
    }

    private static void Targets(StringBuilder text, IEnumerable<Target> targets)
    {
        text.AppendLine("| target | at most | seen | |").AppendLine("|---|---|---|---|");
        foreach (var target in targets)
        {
            var verdict = target.Seen is { } value ? value <= target.Goal ? "met" : "missed" : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"| {target.What} | {target.Goal:0.0##}{target.Unit} | {(target.Seen is { } seen ? $"{Number(seen)}{target.Unit}" : "not measured")} | {verdict} |");
        }

        text.AppendLine();
    }

    private static void Cases(StringBuilder text, RunResult run)
    {
        foreach (var result in run.Cases)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## {result.Name}").AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"{result.Connections} connections, answers of {result.BodyBytes} bytes, load by {result.Load}.").AppendLine();
            text.AppendLine("| pair | CPU µs/request | requests/s | p50 ms | p99 ms | p99.9 ms | private MB | |").AppendLine("|---|---|---|---|---|---|---|---|");
            foreach (var (name, proxy) in result.Proxies)
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"| {name} | {Number(proxy.CpuMicrosPerRequest)} ({Range(proxy.CpuMicrosPerRequestSpread)}) | {proxy.RequestsPerSecond:0} ({Range(proxy.RequestsPerSecondSpread)}) | {Number(proxy.P50Ms)} | {Number(proxy.P99Ms)} ({Range(proxy.P99MsSpread)}) | {(proxy.P999Ms is { } p999 ? Number(p999) : "")} | {proxy.PrivateMb:0.0} | {proxy.Description}{(proxy.WarmUp.Settled ? "" : "; not settled before it counted")} |");
            }

            text.AppendLine();
        }
    }

    private static void Memory(StringBuilder text, RunResult run)
    {
        if (run.Memory is not { Count: > 0 } memory)
        {
            return;
        }

        text.AppendLine("## memory").AppendLine();
        text.AppendLine("RssAnon of the larger proxy, in MB, started anew for each round.").AppendLine();
        text.AppendLine("| pair | idle | 1,000/s | full load, 512 connections |").AppendLine("|---|---|---|---|");
        foreach (var (name, seen) in memory)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {Cell(seen.IdleMb)} | {Cell(seen.At1000PerSecondMb)} | {Cell(seen.FullLoadMb)} |");
        }

        text.AppendLine();

        static string Cell(Spread spread) => $"{Number(spread.Median)} ({Range([spread.Lowest, spread.Highest])})";
    }

    private static string Range(IReadOnlyList<double> spread) => $"{Number(spread[0])}–{Number(spread[1])}";

    private static string Number(double value) => value.ToString(value switch { < 10 => "0.00", < 100 => "0.0", _ => "0" }, CultureInfo.InvariantCulture);
}
