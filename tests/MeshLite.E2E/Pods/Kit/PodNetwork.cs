using System.Diagnostics;
using System.Globalization;
using System.Net;
using MeshLite.Processes;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// Network namespaces as pods: each has addresses of its own (IPv4 and IPv6) on a bridge, which lies in a namespace of its own, too,
/// so that nothing of the machine's network is touched. The bridge is everybody's default gateway: addresses nobody owns
/// lead there, and nowhere from there. Needs root. Gone, with everything in it, when disposed.
/// </summary>
public sealed class PodNetwork : IAsyncDisposable
{
    private const string Bridge = "br0";

    private static int _networks;

    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"ml{Environment.ProcessId:x}n{Interlocked.Increment(ref _networks)}-");
    private readonly List<Pod> _pods = [];
    private int _links;

    private PodNetwork(ProcessLauncher launcher)
    {
        Launcher = launcher;
        Switch = _prefix + "sw";
    }

    /// <summary>Starts what runs in the pods.</summary>
    public ProcessLauncher Launcher { get; }

    /// <summary>The namespace of the bridge.</summary>
    public string Switch { get; }

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? Missing { get; } = FindMissing();

    /// <summary>Makes a network without pods.</summary>
    public static async Task<PodNetwork> CreateAsync(ProcessLauncher launcher)
    {
        var network = new PodNetwork(launcher);
        await network.IpAsync("netns", "add", network.Switch);
        await network.IpAsync("-n", network.Switch, "link", "set", "lo", "up");
        await network.IpAsync("-n", network.Switch, "link", "add", Bridge, "type", "bridge");
        await network.IpAsync("-n", network.Switch, "addr", "add", "10.77.0.1/16", "dev", Bridge);
        await network.IpAsync("-n", network.Switch, "addr", "add", "fd77::1/64", "dev", Bridge, "nodad");
        await network.IpAsync("-n", network.Switch, "link", "set", Bridge, "up");
        return network;
    }

    /// <summary>Adds a pod at <c>10.77.x.y</c> and <c>fd77::x:y</c>. <paramref name="hosts"/>: its <c>/etc/hosts</c>.</summary>
    public async Task<Pod> AddAsync(string name, int x, int y, string hosts = "", bool ipv6 = true)
    {
        var pod = new Pod(this, name, _prefix + name, IPAddress.Parse($"10.77.{x}.{y}"), IPAddress.Parse($"fd77::{x}:{y}"));
        _pods.Add(pod);
        Directory.CreateDirectory(pod.EtcDirectory);
        await File.WriteAllTextAsync(Path.Combine(pod.EtcDirectory, "hosts"), "127.0.0.1 localhost\n" + hosts);
        await File.WriteAllTextAsync(Path.Combine(pod.EtcDirectory, "resolv.conf"), "options timeout:1 attempts:1\n");
        var link = string.Create(CultureInfo.InvariantCulture, $"v{++_links}");
        await IpAsync("netns", "add", pod.Namespace);
        if (!ipv6)
        {
            await pod.RunAsync("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        }

        await IpAsync("-n", pod.Namespace, "link", "set", "lo", "up");
        await IpAsync("-n", Switch, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pod.Namespace);
        await IpAsync("-n", Switch, "link", "set", link, "master", Bridge, "up");
        await IpAsync("-n", pod.Namespace, "addr", "add", $"{pod.Address}/16", "dev", "eth0");
        await IpAsync("-n", pod.Namespace, "link", "set", "eth0", "up");
        await IpAsync("-n", pod.Namespace, "route", "add", "default", "via", "10.77.0.1");
        if (ipv6)
        {
            await IpAsync("-n", pod.Namespace, "addr", "add", $"{pod.Address6}/64", "dev", "eth0", "nodad");
            await IpAsync("-n", pod.Namespace, "-6", "route", "add", "default", "via", "fd77::1");
        }

        return pod;
    }

    /// <summary>Gives the machine itself an address on the bridge, by which it and the pods reach each other.</summary>
    public async Task LinkMachineAsync(IPAddress address)
    {
        var link = string.Create(CultureInfo.InvariantCulture, $"ml{Environment.ProcessId:x}");
        await IpAsync("link", "add", link, "type", "veth", "peer", "name", "machine", "netns", Switch);
        await IpAsync("-n", Switch, "link", "set", "machine", "master", Bridge, "up");
        await IpAsync("addr", "add", $"{address}/16", "dev", link);
        await IpAsync("link", "set", link, "up");
    }

    /// <summary>Runs a program to its end; throws with its output where it fails.</summary>
    public async Task<string> RunAsync(string program, params string[] arguments)
    {
        var process = await Launcher.RunAsync(new ProcessSpec { Name = "kit", FileName = program, Arguments = arguments }, TimeSpan.FromSeconds(60));
        return process.ExitCode == 0
            ? string.Join('\n', process.Log.Lines.Where(line => !line.StartsWith("---", StringComparison.Ordinal)))
            : throw new ProcessFailedException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{process.Log.Tail(20)}");
    }

    /// <summary>SIGKILL to whatever runs in the pods: servers have children that would outlive them.</summary>
    public async Task KillAsync()
    {
        foreach (var pod in _pods)
        {
            await RunAsync("sh", "-c", $"for pid in $(ip netns pids {pod.Namespace}); do kill -9 $pid || true; done");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        foreach (var pod in _pods)
        {
            await IpAsync("netns", "del", pod.Namespace);
            Directory.Delete(pod.EtcDirectory, recursive: true);
        }

        await IpAsync("netns", "del", Switch);
    }

    private Task IpAsync(params string[] arguments) => RunAsync("ip", arguments);

    private static string? FindMissing()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "network namespaces need root on Linux";
        }

        string[] programs = ["ip", "iptables-restore", "ip6tables-restore", "setpriv", "sysctl", "curl"];
        return programs.FirstOrDefault(program => !Tools.Has(program)) is { } program ? $"{program} is not installed" : Try();
    }

    // Root is not enough where this itself runs confined.
    private static string? Try()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"ml{Environment.ProcessId:x}try");
        var start = new ProcessStartInfo("sh", ["-c", $"ip netns add {name} && ip netns exec {name} iptables -t nat -S; code=$?; ip netns del {name}; exit $code"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        var error = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : $"network namespaces with rules can't be made here: {error}";
    }
}
