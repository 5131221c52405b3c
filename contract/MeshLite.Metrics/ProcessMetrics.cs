using System.Globalization;

namespace MeshLite.Metrics;

/// <summary>
/// The metrics every Prometheus client library has (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics),
/// and the private memory this project has a target for. Read from <c>/proc/self</c> at scrape time; where that does not
/// exist (not Linux) only CPU and start time are registered.
/// </summary>
public static class ProcessMetrics
{
    private const string Proc = "/proc/self";

    /// <summary>Registers the families.</summary>
    public static void AddProcessMetrics(this MetricRegistry registry)
    {
        registry.AddCounterCallback("process_cpu_seconds_total", "User and system CPU time spent.", () => Environment.CpuUsage.TotalTime.TotalSeconds);

        var start = StartTime();
        registry.AddGaugeCallback("process_start_time_seconds", "When the process started, since the Unix epoch.", () => start);
        if (!Directory.Exists(Proc))
        {
            return;
        }

        registry.AddGaugeCallback("process_resident_memory_bytes", "Resident memory.", () => Status("VmRSS:") * 1024);
        registry.AddGaugeCallback("process_private_memory_bytes", "Resident memory that is the process's own (RssAnon): without files mapped, such as the runtime's code.", () => Status("RssAnon:") * 1024);
        registry.AddGaugeCallback("process_virtual_memory_bytes", "Virtual memory.", () => Status("VmSize:") * 1024);
        registry.AddGaugeCallback("process_threads", "Threads of the operating system.", () => Status("Threads:"));
        registry.AddGaugeCallback("process_open_fds", "Open file descriptors.", OpenFileDescriptors);
        registry.AddGaugeCallback("process_max_fds", "Most file descriptors that may be open.", MaxFileDescriptors);
    }

    private static double StartTime()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }

    // Lines such as "VmRSS:\t   12345 kB" (proc_pid_status(5)).
    private static double Status(string field)
    {
        foreach (var line in File.ReadLines(Proc + "/status"))
        {
            if (line.StartsWith(field, StringComparison.Ordinal))
            {
                var value = line.AsSpan(field.Length).Trim();
                var end = value.IndexOf(' ');
                return double.Parse(end < 0 ? value : value[..end], NumberStyles.None, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidDataException($"{Proc}/status has no {field}");
    }

    private static double OpenFileDescriptors()
    {
        var count = 0;
        foreach (var _ in Directory.EnumerateFileSystemEntries(Proc + "/fd"))
        {
            count++;
        }

        // One of them is the directory being read.
        return count - 1;
    }

    // "Max open files            1024                 524288               files" (proc_pid_limits(5)): the soft limit.
    private static double MaxFileDescriptors()
    {
        const string Field = "Max open files";
        foreach (var line in File.ReadLines(Proc + "/limits"))
        {
            if (line.StartsWith(Field, StringComparison.Ordinal))
            {
                var value = line.AsSpan(Field.Length).TrimStart();
                value = value[..value.IndexOf(' ')];
                return value is "unlimited" ? double.PositiveInfinity : double.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidDataException($"{Proc}/limits has no '{Field}'");
    }
}
