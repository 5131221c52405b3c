namespace MeshLite.Demo.Load;

/// <summary>What to send. GETs and POSTs alternate, each with an id of its own. Immutable.</summary>
internal sealed record LoadPlan
{
    /// <summary>Ids are this and a number: unique to one plan of one run.</summary>
    public required string Prefix { get; init; }

    /// <summary>How many. <value>Default: until stopped.</value></summary>
    public int Count { get; init; } = int.MaxValue;

    /// <summary>Requests per second (open loop); 0: as fast as <see cref="Concurrency"/> allows. <value>Default 0.</value></summary>
    public int Rate { get; init; }

    /// <summary>Most requests under way at once. <value>Default 16.</value></summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>Which service is called. <value>Default orders itself.</value></summary>
    public LoadEntry Entry { get; init; } = LoadEntry.Orders;

    /// <summary>Whether <c>x-canary: true</c> is sent.</summary>
    public bool Canary { get; init; }
}

/// <summary>Where requests enter the shop.</summary>
internal enum LoadEntry
{
    /// <summary>orders → inventory.</summary>
    Orders,

    /// <summary>frontend → orders → inventory.</summary>
    Frontend,

    /// <summary>In turn.</summary>
    Both,
}
