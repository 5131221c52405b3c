namespace MeshLite.Shop;

/// <summary>What this application saw of one request id.</summary>
/// <param name="Id">The header <c>x-request-id</c>.</param>
/// <param name="Count">How often it arrived.</param>
/// <param name="Client">The caller as the newest arrival named it in <c>meshlite-client-id</c>; empty: it did not.</param>
/// <param name="Timeout">How long the newest arrival said its caller waits, in <c>meshlite-timeout</c>; empty: it did not.</param>
public sealed record LedgerEntry(string Id, int Count, string Client, string Timeout)
{
    /// <summary>Arrivals that this application failed on purpose, see <see cref="Trouble"/>.</summary>
    public int Failed { get; init; }

    /// <summary>Arrivals whose caller gave up, upon which this application stopped working on them.</summary>
    public int Cancelled { get; init; }

    /// <summary>Arrivals that are over, one way or another.</summary>
    public int Ended { get; init; }
}
