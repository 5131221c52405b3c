using System.Runtime.InteropServices;
using MeshLite.Bench.Pairs;
using MeshLite.Processes;

namespace MeshLite.Bench.Results;

/// <summary>Where figures were taken.</summary>
/// <param name="Processor">Its name.</param>
/// <param name="Cores">As the system sees them.</param>
/// <param name="MemoryGb">10^9 bytes.</param>
/// <param name="Kernel">And operating system.</param>
/// <param name="Runtime">.NET.</param>
/// <param name="LoadAverage">Of the last minute, before the run: above 1 somebody else was at work.</param>
/// <param name="Programs">Versions of what was measured and of what loaded it.</param>
internal sealed record Machine(
    string Processor, int Cores, int MemoryGb, string Kernel, string Runtime, double LoadAverage, IReadOnlyList<string> Programs)
{
    private static readonly (string Name, string Argument)[] Versioned = [("nginx", "-v"), ("haproxy", "-v"), ("wrk", "-v"), ("h2load", "--version")];

    public static async Task<Machine> ReadAsync(ProcessLauncher launcher) => new(
        Line("/proc/cpuinfo", "model name"),
        Environment.ProcessorCount,
        (int)Math.Round(double.Parse(Line("/proc/meminfo", "MemTotal").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) * 1024 / 1e9),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        double.Parse((await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture),
        [.. await Task.WhenAll(Versioned
            .Where(p => BenchEnvironment.HasProgram(p.Name)).Select(p => VersionAsync(launcher, p.Name, p.Argument)))]);

    private static string Line(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line ? line[(line.IndexOf(':') + 1)..].Trim() : "unknown";

    // The first line after the launcher's own; what some print behind it (build options, copyright) says nothing here.
    private static async Task<string> VersionAsync(ProcessLauncher launcher, string name, string argument)
    {
        var process = await launcher.RunAsync(new ProcessSpec { Name = name, FileName = Daemon.Find(name), Arguments = [argument] }, TimeSpan.FromSeconds(10));
        var line = process.Log.Lines.Skip(1).FirstOrDefault(l => l.Any(char.IsDigit)) ?? name;
        return line.Split([" Copyright", " [", " - "], StringSplitOptions.None)[0].Trim();
    }
}
