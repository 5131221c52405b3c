using MeshLite.Bench.Pairs;
using MeshLite.Processes;

namespace MeshLite.Bench;

/// <summary>What all pairs stand in front of: 100 bytes, from nginx (least in the way), else from Kestrel.</summary>
internal static class Backend
{
    public static async Task<Uri> StartAsync(BenchEnvironment environment)
    {
        if (BenchEnvironment.HasProgram("nginx"))
        {
            var port = Loopback.FreePort();
            await Nginx.StartAsync(environment, "backend", port, $$"""
                  server {
                    listen 127.0.0.1:{{port}};
                    location / { default_type text/plain; return 200 "{{new string('x', 100)}}"; }
                  }
                """);
            return new Uri($"http://127.0.0.1:{port}/");
        }

        var process = environment.Launcher.Start(new ProcessSpec { Name = "backend", FileName = BenchEnvironment.YarpPair, Arguments = ["backend"] });
        var address = await process.ListeningAsync("http", TimeSpan.FromSeconds(30));
        return new Uri($"http://{address}/");
    }
}
