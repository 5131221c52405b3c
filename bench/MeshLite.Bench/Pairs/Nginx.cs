using System.Net.Sockets;
using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>
/// Starts nginx as one process (<c>master_process off</c>: the worker's event loop without a master above it; a kill
/// leaves nothing behind). Kept connections are not closed after 1000 requests, its default, which would only cost it.
/// </summary>
internal static class Nginx
{
    public static async Task<ManagedProcess> StartAsync(BenchEnvironment environment, string name, int port, string http)
    {
        var directory = Directory.CreateDirectory(Path.Combine(environment.Directory, name)).FullName;
        var file = Path.Combine(directory, "nginx.conf");
        await File.WriteAllTextAsync(file, $$"""
            daemon off;
            master_process off;
            pid {{directory}}/nginx.pid;
            error_log stderr warn;
            events { worker_connections 1024; }
            http {
              access_log off;
              keepalive_requests 100000000;
              keepalive_timeout 1h;
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
            FileName = File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx",
            Arguments = ["-e", "stderr", "-p", directory, "-c", file],
        });
        await AcceptingAsync(process, port, environment.Launcher.Time);
        return process;
    }

    // nginx does not say when it listens.
    private static async Task AcceptingAsync(ManagedProcess process, int port, TimeProvider time)
    {
        for (var attempt = 0; attempt < 200 && !process.HasEnded; attempt++)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync("127.0.0.1", port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(25), time);
            }
        }

        throw new ProcessFailedException($"{process.Name} does not listen on {port}; its last output:\n{process.Log.Tail(20)}");
    }
}
