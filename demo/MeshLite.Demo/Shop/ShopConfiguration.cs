namespace MeshLite.Demo.Shop;

/// <summary>
/// The documents of <c>demo/config</c> and what the demo makes of them: changes to their text, as a user would make them
/// in an editor. Pure.
/// </summary>
internal sealed class ShopConfiguration
{
    public const string MeshFile = "mesh.yaml";
    public const string OrdersFile = "orders.yaml";

    private const string TestersRule = "  - name: testers\n    matches: [{headers: [{name: x-canary, value: \"true\"}]}]\n    backendRefs: [{name: orders, subset: v2}]\n";

    private ShopConfiguration(string mesh, string orders) => (Mesh, Orders) = (mesh, orders);

    /// <summary>mTLS Strict.</summary>
    public string Mesh { get; }

    /// <summary>Subsets; testers to v2, everyone else 90/10.</summary>
    public string Orders { get; }

    /// <summary>mTLS Permissive.</summary>
    public string PermissiveMesh => Change(Mesh, "mode: Strict", "mode: Permissive");

    /// <summary>Without the rule for testers.</summary>
    public string OrdersWithoutTesters => Change(Orders, TestersRule, "");

    /// <summary>A field that no kind has.</summary>
    public string InvalidOrders => Change(Orders, "weight: 90", "wait: 90");

    public static ShopConfiguration Read(string directory) =>
        new(File.ReadAllText(Path.Combine(directory, MeshFile)), File.ReadAllText(Path.Combine(directory, OrdersFile)));

    /// <summary>Other weights.</summary>
    public string OrdersSplit(int v1, int v2) => Change(Change(Orders, "v1, weight: 90", $"v1, weight: {v1}"), "v2, weight: 10", $"v2, weight: {v2}");

    private static string Change(string document, string from, string to) =>
        document.Contains(from, StringComparison.Ordinal)
            ? document.Replace(from, to, StringComparison.Ordinal)
            : throw new InvalidOperationException($"demo/config no longer contains '{from}', which the demo changes");
}
