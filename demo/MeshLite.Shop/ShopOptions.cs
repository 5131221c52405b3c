namespace MeshLite.Shop;

/// <summary>Which application of the shop this process is; section <c>Shop</c> of the configuration. Immutable.</summary>
public sealed record ShopOptions
{
    /// <summary><c>frontend</c>, <c>orders</c> or <c>inventory</c>.</summary>
    public string Role { get; init; } = "frontend";

    /// <summary>Told in each answer as <c>x-shop-version</c>.</summary>
    public string Version { get; init; } = "v1";
}
