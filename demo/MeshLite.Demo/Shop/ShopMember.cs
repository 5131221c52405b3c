using System.Globalization;
using System.Net.Http.Json;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Demo.Shop;

/// <summary>One application of the shop and its sidecar. The application is started first and knows its sidecar as http_proxy only.</summary>
internal sealed class ShopMember
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _direct;
    private Uri? _address;

    private ShopMember(string role, SidecarProcess sidecar, HttpClient direct)
    {
        Role = role;
        Sidecar = sidecar;
        _direct = direct;
    }

    /// <summary><c>frontend</c>, <c>orders</c>, <c>inventory</c>: the service it serves.</summary>
    public string Role { get; }

    /// <summary>Its sidecar.</summary>
    public SidecarProcess Sidecar { get; }

    /// <summary>Name of its sidecar: which of several replicas.</summary>
    public string Name => Sidecar.Spec.Name;

    /// <summary>The application's own port, past the mesh.</summary>
    public Uri Address => _address ?? throw new InvalidOperationException($"{Name} was not started");

    public static async Task<ShopMember> StartAsync(MeshProcesses mesh, ControlPlaneProcess controlPlane, HttpClient direct, string name, string role, string version)
    {
        var outbound = Loopback.FreePort();
        var app = mesh.Launcher.Start(new ProcessSpec
        {
            Name = "app-" + name,
            FileName = Path.Combine(AppContext.BaseDirectory, "MeshLite.Shop"),
            WorkingDirectory = AppContext.BaseDirectory,
            Environment = new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                ["Shop__Role"] = role,
                ["Shop__Version"] = version,
                ["http_proxy"] = $"http://127.0.0.1:{outbound}",
                ["Logging__LogLevel__Default"] = "Warning",
                ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
                ["DOTNET_gcServer"] = "0",
            },
        });
        var line = await app.LineAsync(l => l.Contains("Now listening on: ", StringComparison.Ordinal), Timeout);
        var address = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..].Trim());
        var sidecar = mesh.Sidecar(
            new SidecarSpec
            {
                Name = name,
                Service = role,
                AppPort = address.Port,
                HealthPath = "/healthz",
                OutboundPort = outbound,
                FixedPorts = true,
                Labels = new Dictionary<string, string> { ["app"] = role, ["version"] = version },
            },
            controlPlane);
        await sidecar.StartAsync();
        return new ShopMember(role, sidecar, direct) { _address = address };
    }

    /// <summary>What the application booked of all requests whose id begins with <paramref name="prefix"/>.</summary>
    public async Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string prefix) =>
        await _direct.GetFromJsonAsync<LedgerEntry[]>(new Uri(Address, $"/ledger?prefix={Uri.EscapeDataString(prefix)}")) ?? [];

    /// <summary>Has the application do something wrong, or no longer.</summary>
    public async Task TroubleAsync(ShopTrouble trouble)
    {
        using var response = await _direct.PutAsJsonAsync(new Uri(Address, "/trouble"), trouble);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Sends GETs to the application's own port, past the mesh.</summary>
    public async Task BypassAsync(string prefix, int count)
    {
        for (var i = 0; i < count; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address, $"/orders/{i}"));
            request.Headers.Add("x-request-id", string.Create(CultureInfo.InvariantCulture, $"{prefix}bypass-{i}"));
            using var response = await _direct.SendAsync(request);
        }
    }
}
