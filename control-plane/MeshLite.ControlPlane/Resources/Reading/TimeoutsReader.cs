namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <c>timeouts</c> wherever they stand; each place has its own choice of them. Pure.</summary>
internal static class TimeoutsReader
{
    private static readonly TimeSpan MinConnect = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxConnect = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <summary>Of a route's rule.</summary>
    public static Timeouts ReadOfRule(FieldReader timeouts) => ReadRequest(timeouts, new Timeouts());

    /// <summary>Of a TrafficPolicy.</summary>
    public static Timeouts ReadOfService(FieldReader timeouts) => new()
    {
        Connect = ReadConnect(timeouts),
        Request = timeouts.Duration("request", TimeSpan.Zero, Longest),
        Idle = timeouts.Duration("idle", TimeSpan.Zero, Longest),
    };

    /// <summary>Of MeshConfig.</summary>
    public static Timeouts ReadOfMesh(FieldReader timeouts) => ReadRequest(timeouts, new Timeouts { Connect = ReadConnect(timeouts) });

    private static TimeSpan? ReadConnect(FieldReader timeouts) => timeouts.Duration("connect", MinConnect, MaxConnect);

    private static Timeouts ReadRequest(FieldReader timeouts, Timeouts others)
    {
        var request = timeouts.Duration("request", TimeSpan.Zero, Longest);
        var attempt = timeouts.Duration("backendRequest", TimeSpan.Zero, Longest);
        if (attempt > request && request > TimeSpan.Zero)
        {
            timeouts.Error("backendRequest", "is longer than request, which covers all attempts");
        }

        return others with { Request = request, BackendRequest = attempt };
    }

    /// <summary>Null: not written. Zero, but for connect: none.</summary>
    internal sealed record Timeouts
    {
        /// <summary>1 ms to 1 min.</summary>
        public TimeSpan? Connect { get; init; }

        /// <summary>0 to 24 h.</summary>
        public TimeSpan? Request { get; init; }

        /// <summary>0 to 24 h, at most <see cref="Request"/>.</summary>
        public TimeSpan? BackendRequest { get; init; }

        /// <summary>0 to 24 h.</summary>
        public TimeSpan? Idle { get; init; }
    }
}
