using System.Globalization;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// Unmodified servers of other people, and the test application, all in one pod. What is not installed is not started; tests of
/// it are skipped.
/// </summary>
public static class PodServers
{
    /// <summary>nginx.</summary>
    public const int Nginx = 8000;

    /// <summary>Redis.</summary>
    public const int Redis = 6379;

    /// <summary>PostgreSQL.</summary>
    public const int Postgres = 5432;

    /// <summary>Of a Service in front of them all: the application's, and theirs.</summary>
    public const string ServicePorts = """
        [{name: http, port: 80, targetPort: 8080}, {name: alt, port: 8080, targetPort: 8080}, {name: grpc, port: 9090, targetPort: 9090},
         {name: bulk, port: 7000, targetPort: 7000}, {name: greeting, port: 4444, targetPort: 4444}, {name: other, port: 7025, targetPort: 7025},
         {name: nginx, port: 8000, targetPort: 8000}, {name: redis, port: 6379, targetPort: 6379}, {name: postgres, port: 5432, targetPort: 5432}]
        """;

    // Any but root, which PostgreSQL refuses; it asks for the user's name.
    private const string PostgresUser = "nobody";

    /// <summary>Starts them; returns once all answer.</summary>
    public static async Task StartAsync(PodMesh mesh, Pod pod)
    {
        await PodMesh.AppAsync(pod, "app");
        var directory = Directory.CreateDirectory(Path.Combine(mesh.Directory, $"servers-{pod.Namespace}")).FullName;
        if (Tools.Has("nginx"))
        {
            await StartNginxAsync(pod, directory);
        }

        if (Tools.Has("redis-server"))
        {
            pod.Start("redis", "redis-server", ["--port", $"{Redis}", "--bind", "*", "-::*", "--protected-mode", "no", "--save", "", "--dir", directory]);
            await ListensAsync(pod, Redis);
        }

        if (Tools.PostgresDirectory is { } postgres && Tools.Has("psql"))
        {
            await StartPostgresAsync(mesh, pod, directory, postgres);
        }
    }

    private static async Task StartNginxAsync(Pod pod, string directory)
    {
        var root = Directory.CreateDirectory(Path.Combine(directory, "www")).FullName;
        await File.WriteAllTextAsync(Path.Combine(root, "index.html"), "<h1>It works</h1>\n");
        var large = new byte[5_000_000];
        new Random(3).NextBytes(large);
        await File.WriteAllBytesAsync(Path.Combine(root, "large.bin"), large);
        var log = Path.Combine(directory, "nginx.log");
        await File.WriteAllTextAsync(Path.Combine(directory, "nginx.conf"), string.Create(CultureInfo.InvariantCulture, $$"""
            user root;
            daemon off;
            master_process off;
            pid {{directory}}/nginx.pid;
            error_log {{log}};
            events {}
            http {
              access_log off;
              server { listen {{Nginx}}; listen [::]:{{Nginx}}; root {{root}}; location = /teapot { return 418 "short and stout\n"; } }
            }
            """));
        pod.Start("nginx", "nginx", ["-c", Path.Combine(directory, "nginx.conf"), "-e", log]);
        await ListensAsync(pod, Nginx);
    }

    private static async Task StartPostgresAsync(PodMesh mesh, Pod pod, string directory, string bin)
    {
        var data = Path.Combine(directory, "pg");
        Directory.CreateDirectory(data);
        await mesh.Network.RunAsync("chown", PostgresUser, data);
        string[] user = [$"--reuid={PostgresUser}", "--clear-groups"];
        await pod.RunAsync("setpriv", [.. user, Path.Combine(bin, "initdb"), "-D", data, "-U", "test", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]);
        await File.AppendAllTextAsync(Path.Combine(data, "pg_hba.conf"), "host all all all trust\n");
        pod.Start("postgres", "setpriv",
            [.. user, Path.Combine(bin, "postgres"), "-D", data, "-c", "listen_addresses=*", "-c", $"unix_socket_directories={data}", "-c", $"port={Postgres}", "-c", "fsync=off"]);
        await ListensAsync(pod, Postgres);
    }

    private static Task ListensAsync(Pod pod, int port) => Eventually.TrueAsync(
        async () => (await pod.TryAsync("bash", "-c", string.Create(CultureInfo.InvariantCulture, $"exec 3<>/dev/tcp/127.0.0.1/{port}"))).ExitCode == 0,
        $"port {port} of {pod.Name} listens", TimeSpan.FromSeconds(60));
}
