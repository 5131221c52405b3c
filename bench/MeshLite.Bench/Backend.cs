using MeshLite.Bench.Pairs;
using MeshLite.Processes;

namespace MeshLite.Bench;

/// <summary>
/// What all pairs stand in front of. HTTP by nginx (least in the way), else by Kestrel; gRPC and the collector by the
/// program of the yarp pair.
/// </summary>
internal static class Backend
{
    public static async Task<Backends> StartAsync(BenchEnvironment environment)
    {
        var http = BenchEnvironment.HasProgram("nginx") ? await NginxAsync(environment) : await OwnAsync(environment, "backend", "http");
        return new Backends(http, await OwnAsync(environment, "echo", "grpc"), await OwnAsync(environment, "collector", "grpc"));
    }

    private static async Task<Uri> NginxAsync(BenchEnvironment environment)
    {
        var files = Directory.CreateDirectory(Path.Combine(environment.Directory, "files")).FullName;
        await File.WriteAllTextAsync(Path.Combine(files, "10k"), new string('x', 10_000));
        await File.WriteAllTextAsync(Path.Combine(files, "1m"), new string('x', 1_000_000));
        var port = Loopback.FreePort();
        await Nginx.StartAsync(
            environment,
            "backend",
            $$"""
              sendfile on;
              open_file_cache max=10;
              server {
                listen 127.0.0.1:{{port}};
                root {{files}};
                default_type text/plain;
                location = / { return 200 "{{new string('x', 100)}}"; }
              }
            """,
            port);
        return new Uri($"http://127.0.0.1:{port}/");
    }

    private static async Task<Uri> OwnAsync(BenchEnvironment environment, string role, string listener)
    {
        var process = environment.Launcher.Start(new ProcessSpec { Name = role, FileName = BenchEnvironment.YarpPair, Arguments = [role] });
        return new Uri($"http://{await process.ListeningAsync(listener, TimeSpan.FromSeconds(30))}/");
    }
}
