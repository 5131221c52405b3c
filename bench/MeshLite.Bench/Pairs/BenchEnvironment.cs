using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>What all pairs of one run share.</summary>
/// <param name="Launcher">Starts and ends their processes.</param>
/// <param name="Directory">For files of the run.</param>
/// <param name="Certificates">For the pairs that bring their own TLS.</param>
internal sealed record BenchEnvironment(ProcessLauncher Launcher, string Directory, BenchCertificates Certificates)
{
    /// <summary>Where the yarp pair's program lies: beside this one.</summary>
    public static string YarpPair => Path.Combine(AppContext.BaseDirectory, "MeshLite.Bench.YarpPair");

    /// <summary>Whether a program is to be found in PATH.</summary>
    public static bool HasProgram(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin")
        .Any(d => File.Exists(Path.Combine(d, name)));
}
