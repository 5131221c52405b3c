using System.Net;
using MeshLite.Processes;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>One network namespace of a <see cref="PodNetwork"/>, with what runs in it.</summary>
public sealed class Pod
{
    private readonly PodNetwork _network;
    private int _calls;

    internal Pod(PodNetwork network, string name, string @namespace, IPAddress address, IPAddress address6)
    {
        _network = network;
        Name = name;
        Namespace = @namespace;
        Address = address;
        Address6 = address6;
    }

    /// <summary>As the test calls it.</summary>
    public string Name { get; }

    /// <summary>As <c>ip netns</c> does.</summary>
    public string Namespace { get; }

    /// <summary>IPv4.</summary>
    public IPAddress Address { get; }

    /// <summary>IPv6.</summary>
    public IPAddress Address6 { get; }

    /// <summary>Files that <c>ip netns exec</c> puts over those of <c>/etc</c>.</summary>
    public string EtcDirectory => Path.Combine("/etc/netns", Namespace);

    /// <summary>Starts a program in the pod. <paramref name="uid"/>: as that user, without any capability.</summary>
    public ManagedProcess Start(string name, string program, IEnumerable<string> arguments, int? uid = null, IReadOnlyDictionary<string, string>? environment = null) =>
        _network.Launcher.Start(new ProcessSpec
        {
            Name = $"{Name}-{name}",
            FileName = "ip",
            Arguments = ["netns", "exec", Namespace, .. uid is null ? [] : AsUser(uid.Value), program, .. arguments],
            Environment = environment ?? new Dictionary<string, string>(),
            WorkingDirectory = "/",
        });

    /// <summary>Runs a program to its end and returns what it wrote; throws where it fails.</summary>
    public Task<string> RunAsync(string program, params string[] arguments) => _network.RunAsync("ip", ["netns", "exec", Namespace, program, .. arguments]);

    /// <summary>Runs a program to its end, whatever that is.</summary>
    public async Task<PodCall> TryAsync(string program, params string[] arguments)
    {
        var process = Start($"{Path.GetFileNameWithoutExtension(program)}-{Interlocked.Increment(ref _calls)}", program, arguments);
        await process.ExitAsync(TimeSpan.FromSeconds(90));
        return new PodCall(process.ExitCode, string.Join('\n', process.Log.Lines.Where(line => !line.StartsWith("---", StringComparison.Ordinal))));
    }

    private static string[] AsUser(int uid) => ["setpriv", $"--reuid={uid}", $"--regid={uid}", "--clear-groups", "--bounding-set=-all", "--no-new-privs"];
}

/// <summary>How a program ended, and all it wrote.</summary>
public sealed record PodCall(int ExitCode, string Output);
