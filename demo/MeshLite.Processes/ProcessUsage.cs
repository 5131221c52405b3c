using System.Globalization;

namespace MeshLite.Processes;

/// <summary>What the kernel says a process used (proc(5)).</summary>
public static class ProcessUsage
{
    // sysconf(_SC_CLK_TCK): 100 on every Linux the kernel's user interface supports (USER_HZ).
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of the process with all its threads so far; a step is 10 ms.</summary>
    public static TimeSpan Cpu(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        // The second field, the name in parentheses, may hold spaces; utime and stime are fields 14 and 15.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    /// <summary>Private memory now: <c>RssAnon</c>, in bytes.</summary>
    public static long PrivateBytes(int pid)
    {
        foreach (var line in File.ReadLines($"/proc/{pid}/status"))
        {
            if (line.StartsWith("RssAnon:", StringComparison.Ordinal))
            {
                return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
            }
        }

        return 0;
    }

    /// <summary>The processes a process forked (those of its first thread, as nginx's master does).</summary>
    public static IReadOnlyList<int> Children(int pid) =>
        [.. File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(p => int.Parse(p, CultureInfo.InvariantCulture))];
}
