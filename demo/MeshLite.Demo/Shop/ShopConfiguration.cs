namespace MeshLite.Demo.Shop;

/// <summary>
/// The documents of <c>demo/config</c> and what the demo makes of them: changes to their text, as a user would make them
/// in an editor. Pure.
/// </summary>
internal sealed class ShopConfiguration
{
    public const string MeshFile = "mesh.yaml";
    public const string OrdersFile = "orders.yaml";
    public const string InventoryFile = "inventory.yaml";
    public const string FrontendFile = "frontend.yaml";

    private const string TestersRule = "  - name: testers\n    matches: [{headers: [{name: x-canary, value: \"true\"}]}]\n    backendRefs: [{name: orders, subset: v2}]\n";

    private ShopConfiguration(string directory)
    {
        Mesh = File.ReadAllText(Path.Combine(directory, MeshFile));
        Orders = File.ReadAllText(Path.Combine(directory, OrdersFile));
        Inventory = File.ReadAllText(Path.Combine(directory, InventoryFile));
        Frontend = File.ReadAllText(Path.Combine(directory, FrontendFile));
    }

    /// <summary>mTLS Strict.</summary>
    public string Mesh { get; }

    /// <summary>Subsets; testers to v2, everyone else 90/10.</summary>
    public string Orders { get; }

    /// <summary>Reads are sent again, reports bounded, and a circuit opens when all fails.</summary>
    public string Inventory { get; }

    /// <summary>So many requests at once and no more.</summary>
    public string Frontend { get; }

    /// <summary>mTLS Permissive.</summary>
    public string PermissiveMesh => Change(Mesh, "mode: Strict", "mode: Permissive");

    /// <summary>Without the rule for testers.</summary>
    public string OrdersWithoutTesters => Change(Orders, TestersRule, "");

    /// <summary>A field that no kind has.</summary>
    public string InvalidOrders => Change(Orders, "weight: 90", "wait: 90");

    /// <summary>Nothing is sent again that reached an application.</summary>
    public string MeshWithoutRetries => Change(Mesh, "  mtls:", "  retry: {attempts: 0}\n  mtls:");

    /// <summary>Reads are sent once.</summary>
    public string InventoryWithoutRetries => Change(Inventory, "attempts: 10", "attempts: 0");

    /// <summary>Writes are sent again as reads are.</summary>
    public string InventoryRetryingWrites => Change(Inventory, "retry: {attempts: 2}", "retry: {attempts: 2, methods: [POST], codes: [502, 503]}");

    /// <summary>Reports may take as long as they like.</summary>
    public string InventoryWithoutTimeout => Change(Inventory, "request: 300ms", "request: 0s");

    /// <summary>No circuit.</summary>
    public string InventoryWithoutBreaker => Change(Inventory, "  circuitBreaker: {destination: {consecutiveFailures: 10, openFor: 1s}}\n", "");

    /// <summary>As many requests at once as there are.</summary>
    public string FrontendWithoutLimit => Change(Frontend, $"maxRequests: {FrontendMaxRequests}", "maxRequests: 100000");

    /// <value>Of demo/config/frontend.yaml: more than the load generator has under way at once, elsewhere than in the claim about it.</value>
    public static int FrontendMaxRequests => 300;

    public static ShopConfiguration Read(string directory) => new(directory);

    /// <summary>Every request's trace goes to a collector.</summary>
    public string TracedMesh(Uri collector) => Change(Mesh, "  mtls:", $"  tracing: {{endpoint: \"{collector.GetLeftPart(UriPartial.Authority)}\", samplingPercent: 100}}\n  mtls:");

    /// <summary>Other weights.</summary>
    public string OrdersSplit(int v1, int v2) => Change(Change(Orders, "v1, weight: 90", $"v1, weight: {v1}"), "v2, weight: 10", $"v2, weight: {v2}");

    private static string Change(string document, string from, string to) =>
        document.Contains(from, StringComparison.Ordinal)
            ? document.Replace(from, to, StringComparison.Ordinal)
            : throw new InvalidOperationException($"demo/config no longer contains '{from}', which the demo changes");
}
