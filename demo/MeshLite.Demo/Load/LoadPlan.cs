namespace MeshLite.Demo.Load;

/// <summary>What to send: each request with an id of its own. Immutable.</summary>
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

    /// <summary>GET or POST. <value>Default: they alternate.</value></summary>
    public HttpMethod? Method { get; init; }

    /// <summary>Whether <c>x-canary: true</c> is sent.</summary>
    public bool Canary { get; init; }

    /// <summary>How long the caller says it waits: <c>meshlite-timeout</c>, in the syntax of <c>grpc-timeout</c>. <value>Default: it does not say.</value></summary>
    public string? Timeout { get; init; }
}

/// <summary>Where requests enter the shop.</summary>
internal enum LoadEntry
{
    /// <summary>orders → inventory.</summary>
    Orders,

    /// <summary>frontend → orders → inventory.</summary>
    Frontend,

    /// <summary>frontend and orders in turn.</summary>
    Both,

    /// <summary>inventory itself.</summary>
    Inventory,

    /// <summary>inventory's reports; GET only.</summary>
    Reports,
}
