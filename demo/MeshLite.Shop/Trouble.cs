namespace MeshLite.Shop;

/// <summary>
/// What this application does wrong to customers' requests, for people to see what the mesh makes of it: <c>PUT /trouble</c> on
/// its own port. Requests are booked first, as work that was begun. Immutable.
/// </summary>
public sealed record Trouble
{
    /// <summary>Share answered with 503. <value>0 to 100, default 0.</value></summary>
    public double FailPercent { get; init; }

    /// <summary>Share whose connection breaks without an answer. <value>0 to 100, default 0.</value></summary>
    public double BreakPercent { get; init; }

    /// <summary>How much longer each takes. <value>Milliseconds, default 0.</value></summary>
    public int DelayMs { get; init; }

    /// <summary>Nothing is answered until there is other trouble, or none.</summary>
    public bool Hang { get; init; }

    /// <summary>Calls made for a request carry nothing of what it came with, but its id.</summary>
    public bool Forget { get; init; }
}
