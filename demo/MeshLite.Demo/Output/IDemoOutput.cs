using MeshLite.Demo.Claims;

namespace MeshLite.Demo.Output;

/// <summary>What people see. One caller at a time.</summary>
internal interface IDemoOutput
{
    /// <summary>Shows that something is under way while it is.</summary>
    Task<T> DuringAsync<T>(string what, Func<Task<T>> work);

    /// <summary>A claim was measured.</summary>
    void Measured(ClaimResult result);

    /// <summary>All claims, at the end.</summary>
    void Table(IReadOnlyList<(IClaim Claim, ClaimResult Result)> results);

    /// <summary>A plain line.</summary>
    void Line(string text);
}
