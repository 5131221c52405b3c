using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>Something MeshLite says of itself, and how to find out. Leaves the mesh as it found it.</summary>
internal interface IClaim
{
    /// <summary>As in issue, table and results.json.</summary>
    string Name { get; }

    /// <summary>What is claimed, in a few words.</summary>
    string Says { get; }

    /// <summary>Measures. <paramref name="sabotage"/>: first breaks, for real, what the claim rests on.</summary>
    Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage);
}
