using System.Text.Json;
using MeshLite.Processes.Mesh;

namespace MeshLite.Demo.Shop;

/// <summary>Whom a sidecar demands the servers it calls to be: <c>GET /clusters</c> of its admin port.</summary>
internal static class SidecarClusters
{
    /// <summary>Endpoint address → identity demanded; empty: none.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> IdentitiesAsync(HttpClient http, SidecarProcess sidecar)
    {
        using var document = JsonDocument.Parse(await http.GetStringAsync($"http://{sidecar.Admin}/clusters"));
        var identities = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var destination in document.RootElement.EnumerateArray())
        {
            foreach (var backend in destination.GetProperty("backends").EnumerateArray())
            {
                foreach (var endpoint in backend.GetProperty("endpoints").EnumerateArray())
                {
                    identities[endpoint.GetProperty("address").GetString()!] = endpoint.GetProperty("identity").GetString() ?? "";
                }
            }
        }

        return identities;
    }
}
