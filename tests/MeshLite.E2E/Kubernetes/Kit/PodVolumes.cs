using System.Text.Json.Nodes;
using MeshLite.E2E.Pods.Kit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>The volumes of a pod as directories, made when a container first mounts them, with what the kubelet puts there. Used by one <see cref="KubePod"/>.</summary>
internal sealed class PodVolumes(KubeMesh mesh, Pod pod, JsonObject stored)
{
    private readonly Dictionary<string, string> _directories = [];

    /// <summary>Of one that was made.</summary>
    public string DirectoryOf(string volume) => _directories[volume];

    /// <summary>A field by the downward API.</summary>
    public string Field(string path) => path switch
    {
        "metadata.name" => pod.Name,
        "metadata.namespace" => Text("namespace"),
        "status.podIP" => $"{pod.Address}",
        _ => stored["metadata"]!["annotations"]![path["metadata.annotations['".Length..^"']".Length]]!.GetValue<string>(),
    };

    /// <summary>Makes one.</summary>
    public async Task MakeAsync(string name)
    {
        if (_directories.ContainsKey(name))
        {
            return;
        }

        var volume = stored["spec"]!["volumes"]!.AsArray().Single(v => v!["name"]!.GetValue<string>() == name)!;
        var directory = _directories[name] = Directory.CreateDirectory(Path.Combine(mesh.Directory, $"{pod.Name}-{name}")).FullName;
        if (volume["emptyDir"] is not null)
        {
            File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_111);
            return;
        }

        foreach (var source in volume["projected"]!["sources"]!.AsArray().Select(s => s!.AsObject()))
        {
            foreach (var (file, text) in await FilesAsync(source))
            {
                await File.WriteAllTextAsync(Path.Combine(directory, file), text);
            }
        }
    }

    private async Task<IEnumerable<(string File, string Text)>> FilesAsync(JsonObject source)
    {
        if (source["serviceAccountToken"] is { } account)
        {
            var token = await mesh.Cluster.TokenAsync(
                Text("namespace"), stored["spec"]!["serviceAccountName"]!.GetValue<string>(), account["audience"]?.GetValue<string>(), account["expirationSeconds"]!.GetValue<long>(), pod.Name, Text("uid"));
            return [(account["path"]!.GetValue<string>(), token)];
        }

        // The server's roots, which go with the API's own token: built-in admission mounts both in every container, ours too.
        return source["configMap"] is not null
            ? [("ca.crt", await File.ReadAllTextAsync(mesh.Api.AuthorityFile))]
            : source["downwardAPI"]!["items"]!.AsArray().Select(item => (item!["path"]!.GetValue<string>(), Field(item["fieldRef"]!["fieldPath"]!.GetValue<string>())));
    }

    private string Text(string field) => stored["metadata"]![field]!.GetValue<string>();
}
