using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>
/// Processes of Node with @grpc/grpc-js, the other implementation. Its packages are installed once (npm ci, from the lock
/// file) under obj/; without node, npm or the packages, tests are skipped and say so.
/// </summary>
internal static class NodePeer
{
    private static readonly string Scripts = Path.Combine(AppContext.BaseDirectory, "interop");
    private static readonly Lazy<Task<(string? Modules, string Reason)>> Installed = new(InstallAsync);

    /// <summary>Starts a script; the test is skipped where that is impossible.</summary>
    public static async Task<Process> StartAsync(string script, params string[] arguments)
    {
        var (modules, reason) = await Installed.Value;
        Assert.SkipWhen(modules is null, $"interop with @grpc/grpc-js: {reason}");
        return Start("node", AppContext.BaseDirectory, [Path.Combine(Scripts, script), Path.Combine(AppContext.BaseDirectory, "Grpc", "echo.proto"), .. arguments], modules)!;
    }

    private static async Task<(string?, string)> InstallAsync()
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Scripts, "package-lock.json"))))[..16];
        var cache = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../obj", $"interop-{hash}"));
        if (await RunAsync("node", Scripts, ["--version"]) is { } missing)
        {
            return (null, missing);
        }

        if (Directory.Exists(cache))
        {
            return (Path.Combine(cache, "node_modules"), "");
        }

        // Installed aside and moved into place whole: another test process may do the same now.
        var aside = Directory.CreateDirectory($"{cache}-{Environment.ProcessId}").FullName;
        foreach (var file in Directory.GetFiles(Scripts, "package*.json"))
        {
            File.Copy(file, Path.Combine(aside, Path.GetFileName(file)), overwrite: true);
        }

        var failure = await RunAsync("npm", aside, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        if (failure is null && !Directory.Exists(cache))
        {
            Directory.Move(aside, cache);
            return (Path.Combine(cache, "node_modules"), "");
        }

        Directory.Delete(aside, recursive: true);
        return Directory.Exists(cache) ? (Path.Combine(cache, "node_modules"), "") : (null, failure!);
    }

    /// <summary>Null: it ended well.</summary>
    private static async Task<string?> RunAsync(string program, string folder, string[] arguments)
    {
        using var process = Start(program, folder, arguments, modules: null);
        if (process is null)
        {
            return $"{program} is not installed";
        }

        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return $"{program} {arguments[0]} did not end within 2 minutes";
        }

        await output;
        return process.ExitCode == 0 ? null : $"{program} {arguments[0]} ended with {process.ExitCode}";
    }

    private static Process? Start(string program, string folder, string[] arguments, string? modules)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        if (modules is not null)
        {
            start.Environment["NODE_PATH"] = modules;
        }

        try
        {
            return Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
