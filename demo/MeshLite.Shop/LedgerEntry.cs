namespace MeshLite.Shop;

/// <summary>What this application saw of one request id.</summary>
/// <param name="Id">The header <c>x-request-id</c>.</param>
/// <param name="Count">How often it arrived.</param>
/// <param name="Client">The caller as the newest arrival named it in <c>meshlite-client-id</c>; empty: it did not.</param>
public sealed record LedgerEntry(string Id, int Count, string Client);
