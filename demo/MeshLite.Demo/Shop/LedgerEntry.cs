namespace MeshLite.Demo.Shop;

/// <summary>What an application says it saw of one request id (<c>GET /ledger</c> of the shop).</summary>
internal sealed record LedgerEntry(string Id, int Count, string Client, string Timeout, int Failed, int Cancelled, int Ended);
