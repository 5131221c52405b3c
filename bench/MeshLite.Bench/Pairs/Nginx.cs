using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>
/// Starts nginx as one process (<c>master_process off</c>: the worker's event loop without a master above it; a kill
/// leaves nothing behind). Kept connections are not closed after 1000 requests, its default, which would only cost it,
/// and large answers never touch the disk.
/// </summary>
internal static class Nginx
{
    public static async Task<ManagedProcess> StartAsync(BenchEnvironment environment, string name, string http, params int[] ports)
    {
        var directory = Directory.CreateDirectory(Path.Combine(environment.Directory, name)).FullName;
        var file = Path.Combine(directory, "nginx.conf");
        await File.WriteAllTextAsync(file, $$"""
            daemon off;
            master_process off;
            pid {{directory}}/nginx.pid;
            error_log stderr warn;
            events { worker_connections 8192; }
            http {
              access_log off;
              keepalive_requests 100000000;
              keepalive_timeout 1h;
              client_max_body_size 0;
              proxy_max_temp_file_size 0;
              client_body_temp_path {{directory}}/body;
              proxy_temp_path {{directory}}/proxy;
              fastcgi_temp_path {{directory}}/fastcgi;
              uwsgi_temp_path {{directory}}/uwsgi;
              scgi_temp_path {{directory}}/scgi;
            {{http}}
            }

            """);
        var process = environment.Launcher.Start(new ProcessSpec
        {
            Name = name,
            FileName = Daemon.Find("nginx"),
            Arguments = ["-e", "stderr", "-p", directory, "-c", file],
        });
        await Daemon.AcceptingAsync(process, environment.Launcher.Time, ports);
        return process;
    }
}
