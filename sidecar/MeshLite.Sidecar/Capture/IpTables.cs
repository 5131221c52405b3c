using System.ComponentModel;
using System.Diagnostics;
using MeshLite.Hosting;

namespace MeshLite.Sidecar.Capture;

/// <summary>
/// Runs the iptables programs of one family, and only <c>-save</c> and <c>-restore</c> of them. Where nf_tables can't be had (an
/// old kernel, a sandbox), the legacy variant is taken; where the rules are in place already, the variant that holds them.
/// </summary>
internal sealed class IpTables
{
    private const string Legacy = "-legacy";

    // Outside the PATH of most users, and of containers.
    private static readonly string[] ExtraDirectories = ["/usr/sbin", "/sbin"];

    private readonly string _program;

    private IpTables(string program, string saved) => (_program, Saved) = (program, saved);

    /// <summary>The nat table as found.</summary>
    public string Saved { get; }

    /// <summary>The program used, for messages.</summary>
    public string Name => _program;

    /// <summary>Finds the variant to use; null, with <paramref name="problem"/>, where there is none that works.</summary>
    public static IpTables? Find(CaptureFamily family, out string problem)
    {
        var byDefault = Open(family.Program, out problem);
        if (byDefault is not null && (CaptureRules.ArePresent(byDefault.Saved) || !LegacyHasNat(family)))
        {
            return byDefault;
        }

        // Looking at the legacy table creates it, hence not without need.
        var legacy = Open(family.Program + Legacy, out var legacyProblem);
        if (byDefault is null)
        {
            problem = legacy is null ? $"{problem}; {legacyProblem}" : problem;
            return legacy;
        }

        return legacy is not null && CaptureRules.ArePresent(legacy.Saved) ? legacy : byDefault;
    }

    /// <summary>Applies rules as one transaction. Throws <see cref="StartupException"/> with what the program said.</summary>
    public void Restore(string rules)
    {
        // -w: the legacy variant takes a lock that others may hold.
        var (code, _, error) = Run($"{_program}-restore", ["--noflush", "-w", "5"], rules);
        if (code != 0)
        {
            throw new StartupException($"{_program}-restore refused the rules: {Sentence(error)}");
        }
    }

    private static IpTables? Open(string program, out string problem)
    {
        var (code, output, error) = Run($"{program}-save", ["-t", "nat"], input: null);
        problem = code == 0 ? "" : $"{program}-save: {Sentence(error)}";
        return code == 0 ? new IpTables(program, output) : null;
    }

    private static bool LegacyHasNat(CaptureFamily family)
    {
        try
        {
            return File.ReadLines(family == CaptureFamily.V4 ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names").Contains("nat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static (int Code, string Output, string Error) Run(string program, string[] arguments, string? input)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(ExtraDirectories)
            .Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);
        if (path is null)
        {
            return (-1, "", "not installed");
        }

        var start = new ProcessStartInfo(path, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            // A nat table's errors fit into a pipe; its rules may not, so they are read first.
            var output = process.StandardOutput.ReadToEnd();
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error);
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return (-1, "", e.Message);
        }
    }

    private static string Sentence(string error) => error.Trim().ReplaceLineEndings("; ") is { Length: > 0 } text ? text : "it did not say why";
}
