using System.Text.Json;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Demo.Shop;

/// <summary>Which version of a resource the sidecars hold: <c>GET /config</c> of their admin ports.</summary>
internal static class SidecarVersions
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Saves a document and returns once each sidecar that holds <paramref name="resource"/> holds another version of it than before.</summary>
    public static async Task ChangeAsync(ShopMesh shop, string file, string document, string resource)
    {
        var before = await OfAsync(shop, resource);
        shop.Processes.Save(file, document);
        var saved = shop.Time.GetTimestamp();
        while (true)
        {
            var now = await OfAsync(shop, resource);
            if (before.All(b => now.GetValueOrDefault(b.Key, b.Value) != b.Value))
            {
                return;
            }

            if (shop.Time.GetElapsedTime(saved) > Patience)
            {
                throw new ProcessFailedException($"{file} as saved is not in force after {Patience.TotalSeconds:0} s: {resource} did not change at [{string.Join(", ", before.Where(b => now.GetValueOrDefault(b.Key) == b.Value).Select(b => b.Key))}]");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), shop.Time);
        }
    }

    // Sidecar and key of the resource → version.
    private static async Task<Dictionary<(string, string), string>> OfAsync(ShopMesh shop, string resource)
    {
        var versions = new Dictionary<(string, string), string>();
        foreach (var sidecar in shop.Sidecars)
        {
            foreach (var (key, version) in await OfAsync(shop.Direct, sidecar))
            {
                if (key == resource)
                {
                    versions[(sidecar.Spec.Name, key)] = version;
                }
            }
        }

        return versions.Count > 0 ? versions : throw new ProcessFailedException($"no sidecar holds {resource}");
    }

    private static async Task<IEnumerable<(string Key, string Version)>> OfAsync(HttpClient http, SidecarProcess sidecar)
    {
        using var document = JsonDocument.Parse(await http.GetStringAsync($"http://{sidecar.Admin}/config"));
        return [.. document.RootElement.GetProperty("resources").EnumerateArray().Select(r => (r.GetProperty("key").GetString()!, r.GetProperty("version").GetString()!))];
    }
}
