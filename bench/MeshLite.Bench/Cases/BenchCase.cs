namespace MeshLite.Bench.Cases;

/// <summary>What requests are made of.</summary>
internal enum LoadProtocol
{
    /// <summary>GET over HTTP/1.1.</summary>
    Http1,

    /// <summary>Unary calls over h2c that echo.</summary>
    Grpc,
}

/// <summary>How requests come.</summary>
internal enum LoadShape
{
    /// <summary>As fast as they are answered.</summary>
    ClosedLoop,

    /// <summary>The same, each over a new connection.</summary>
    NewConnections,

    /// <summary>At <see cref="BenchCase.Rate"/>, whatever happens.</summary>
    OpenLoop,
}

/// <summary>One load, under which all pairs are measured in turn. Immutable.</summary>
/// <param name="Name">Its key in results.json and in <c>BENCH_CASES</c>.</param>
/// <param name="Shape">How requests come.</param>
/// <param name="Protocol">What they are made of.</param>
/// <param name="Connections">Of the load generator.</param>
/// <param name="BodyBytes">Of each answer.</param>
/// <param name="Rate">Requests a second; 0: as fast as they are answered.</param>
internal sealed record BenchCase(string Name, LoadShape Shape, LoadProtocol Protocol, int Connections, int BodyBytes, int Rate = 0)
{
    /// <summary>The name of <see cref="MemoryCase"/>, which starts its own pairs.</summary>
    public const string Memory = "memory";

    /// <summary>Every case, in the order of the report.</summary>
    public static IReadOnlyList<BenchCase> All { get; } =
    [
        new("http1-100b-32", LoadShape.ClosedLoop, LoadProtocol.Http1, 32, 100),
        new("http1-10k-32", LoadShape.ClosedLoop, LoadProtocol.Http1, 32, 10_000),
        new("http1-1m-32", LoadShape.ClosedLoop, LoadProtocol.Http1, 32, 1_000_000),
        new("http1-100b-512", LoadShape.ClosedLoop, LoadProtocol.Http1, 512, 100),
        new("http1-10k-512", LoadShape.ClosedLoop, LoadProtocol.Http1, 512, 10_000),
        new("grpc-100b-32", LoadShape.ClosedLoop, LoadProtocol.Grpc, 32, 100),
        new("grpc-10k-32", LoadShape.ClosedLoop, LoadProtocol.Grpc, 32, 10_000),
        new("grpc-100b-512", LoadShape.ClosedLoop, LoadProtocol.Grpc, 512, 100),
        new("connect-100b-32", LoadShape.NewConnections, LoadProtocol.Http1, 32, 100),
        new("rate-100b-2000", LoadShape.OpenLoop, LoadProtocol.Http1, 64, 100, 2_000),
    ];

    /// <summary>What is asked for.</summary>
    public string Path => (Protocol, BodyBytes) switch
    {
        (LoadProtocol.Grpc, _) => "/bench.Echo/Unary",
        (_, 10_000) => "/10k",
        (_, 1_000_000) => "/1m",
        _ => "/",
    };
}
