using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf.WellKnownTypes;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Tests.Mapping;

/// <summary>Valid resources in canonical form, every field of the contract used, from a seed.</summary>
internal static class RandomResources
{
    public static Arbitrary<Destination> Destinations { get; } = FromSeed(Destination);

    public static Arbitrary<(Endpoints From, Endpoints To)> EndpointPairs { get; } = FromSeed(r => (Endpoints(r), Endpoints(r)));

    public static Endpoints Endpoints(Random r)
    {
        // Few addresses, so that two sets overlap.
        var endpoints = Many(r, 12, () => new Endpoint
        {
            Address = Pick(r, "10.0.0.1", "10.0.0.2", "10.0.0.10", "fd00::1", "fd00::2"),
            Port = (uint)r.Next(80, 83),
            SpiffeId = r.Next(3) == 0 ? "" : $"spiffe://cluster.local/ns/shop/sa/{Pick(r, "orders", "web")}",
            Workload = Pick(r, "", "orders-1"),
            Labels = { Labels(r) },
            Weight = (uint)Pick(r, 0, 2, 100),
        });
        return new() { Endpoints_ = { endpoints.DistinctBy(EndpointDeltas.KeyOf).Order(EndpointDeltas.Order) } };
    }

    private static Destination Destination(Random r)
    {
        var rules = Many(r, 3, () => Rule(r));
        return new()
        {
            Kind = rules.Length > 0 ? V1.Destination.Types.Kind.Service : (Destination.Types.Kind)r.Next(3),
            Service = Service(r),
            Protocol = (AppProtocol)r.Next(3),
            Matches = { rules.Length == 0 ? [] : Many(r, 4, () => Match(r, rules.Length)) },
            Rules = { rules },
            Backends = { Backend(r), Backend(r) },
        };
    }

    private static RouteMatch Match(Random r, int rules) => new()
    {
        Rule = (uint)r.Next(rules),
        Path = Maybe(r, () => r.Next(2) == 0
            ? new PathMatch { Type = (PathMatch.Types.Type)r.Next(2), Value = Pick(r, "/", "/a", "/a/b%2F") }
            : new PathMatch { Type = PathMatch.Types.Type.RegularExpression, Value = Pick(r, "/[a-z]+", "") }),
        Headers = { Many(r, 2, () => Value(r)) },
        Query = { Many(r, 2, () => Value(r)) },
        Method = Pick(r, "", "GET", "POST"),
    };

    private static ValueMatch Value(Random r) =>
        new() { Type = (ValueMatch.Types.Type)r.Next(2), Name = Pick(r, "x-a", "version"), Value = Pick(r, "1", "a.*", "") };

    private static RouteRule Rule(Random r) => new()
    {
        Name = Pick(r, "", "orders/everyone"),
        Backends = { Many(r, 3, () => new WeightedBackend { Backend = (uint)r.Next(2), Weight = (uint)r.Next(100) }) },
        RequestHeaders = Maybe(r, () => Modifier(r)),
        ResponseHeaders = Maybe(r, () => Modifier(r)),
        RequestTimeout = Maybe(r, () => Time(r)),
        BackendRequestTimeout = Maybe(r, () => Time(r)),
        Retry = Maybe(r, () => new Retry
        {
            Attempts = (uint)r.Next(10), Codes = { Many(r, 3, () => (uint)r.Next(500, 600)) }, GrpcCodes = { Many(r, 2, () => (uint)r.Next(1, 17)) },
            Methods = { Many(r, 2, () => "POST") }, Backoff = Time(r),
        }),
        Hedge = Maybe(r, () => new Hedge { Delay = Time(r) }),
        Fallback = Maybe(r, () => r.Next(2) == 0
            ? new Fallback { Backend = (uint)r.Next(2) }
            : new Fallback { Response = new() { Status = 200, ContentType = Pick(r, "", "text/plain"), Body = Pick(r, "", "[]") } }),
        Sticky = Maybe(r, () => r.Next(2) == 0
            ? new Sticky { Header = "x-user" }
            : new Sticky { Cookie = new() { Name = "sticky", Ttl = Maybe(r, () => Time(r)) } }),
        Fault = Maybe(r, () => new Fault
        {
            Delay = Maybe(r, () => new FaultDelay { Duration = Time(r), Percent = r.Next(101) }),
            Abort = Maybe(r, () => new FaultAbort { Status = 503, Percent = r.Next(1001) / 10.0 }),
        }),
        Mirrors = { Many(r, 2, () => new Mirror { Backend = (uint)r.Next(2), Percent = r.Next(101) }) },
        Redirect = Maybe(r, () => new Redirect
        {
            Scheme = Pick(r, "", "https"), Hostname = Pick(r, "", "example.com"), Port = (uint)r.Next(2), Path = Maybe(r, () => PathRewrite(r)), StatusCode = Pick(r, 301u, 302u, 308u),
        }),
        Rewrite = Maybe(r, () => new UrlRewrite { Hostname = Pick(r, "", "example.com"), Path = Maybe(r, () => PathRewrite(r)) }),
    };

    private static PathRewrite PathRewrite(Random r) => new() { Type = (PathRewrite.Types.Type)r.Next(2), Value = Pick(r, "", "/", "/a/b") };

    /// <summary>No part has its default values, which have absence as canonical form.</summary>
    private static ServicePolicy Policy(Random r) => new()
    {
        ConnectTimeout = Time(r), // so that the whole is no default either
        LoadBalancer = Maybe(r, () => new LoadBalancer
        {
            Type = (LoadBalancer.Types.Type)r.Next(1, 5), SlowStart = Maybe(r, () => Time(r)),
            HashOn = Maybe(r, () => new HashKey { Type = (HashKey.Types.Type)r.Next(1, 3), Name = "x-user" }),
        }),
        IdleTimeout = Maybe(r, () => Time(r)),
        RetryBudget = Maybe(r, () => new RetryBudget { Percent = (uint)r.Next(20), MinPerSecond = (uint)r.Next(100), Interval = Time(r) }),
        EndpointCircuit = Maybe(r, () => new EndpointCircuit
        {
            ConsecutiveFailures = (uint)r.Next(5), FailureRatio = r.NextDouble(), MinimumRequests = (uint)r.Next(100), Window = Time(r),
            OpenFor = Time(r), MaxOpenFor = Time(r), MaxEjectedPercent = (uint)r.Next(101), SuccessesToClose = (uint)r.Next(1, 9),
        }),
        DestinationCircuit = Maybe(r, () => new DestinationCircuit
        {
            ConsecutiveFailures = (uint)r.Next(50), FailureRatio = r.NextDouble(), MinimumRequests = (uint)r.Next(100), Window = Time(r),
            OpenFor = Time(r), SuccessesToClose = (uint)r.Next(1, 9),
        }),
        FailureCodes = { new[] { 500u, 503u }[..r.Next(3)] },
        Concurrency = Maybe(r, () => new Concurrency { MaxRequests = (uint)r.Next(1, 1000), MaxQueued = (uint)r.Next(9), QueueTimeout = Time(r) }),
        RateLimit = Maybe(r, () => new RateLimit { RequestsPerSecond = (uint)r.Next(1, 100), Burst = (uint)r.Next(1, 100) }),
    };

    private static HeaderModifier Modifier(Random r) => new()
    {
        Set = { Many(r, 2, () => new Header { Name = "x-set", Value = Pick(r, "", "ü") }) },
        Add = { Many(r, 2, () => new Header { Name = "x-add", Value = "1, 2" }) },
        Remove = { Many(r, 2, () => "X-Remove") },
    };

    private static Backend Backend(Random r) => new()
    {
        Service = Service(r),
        Subset = Pick(r, "", "v1"),
        Labels = { Labels(r) },
        Policy = Maybe(r, () => Policy(r)),
        Missing = r.Next(2) == 0,
    };

    private static ServiceRef Service(Random r) => new() { Namespace = Pick(r, "shop", "default"), Name = "orders", Port = (uint)r.Next(1, 65536) };

    /// <summary>Never the default of 1 s, which has an absent field as canonical form.</summary>
    private static Duration Time(Random r) => new() { Seconds = r.Next(2, 100), Nanos = r.Next(10_000_000) * 100 };

    private static Dictionary<string, string> Labels(Random r) =>
        Many(r, 4, () => Pick(r, "app", "version", "Zone", "track")).Distinct().ToDictionary(k => k, _ => Pick(r, "v1", "v2", ""));

    private static T[] Many<T>(Random r, int most, Func<T> make) => [.. Enumerable.Range(0, r.Next(most + 1)).Select(_ => make())];

    private static T? Maybe<T>(Random r, Func<T> make)
        where T : class => r.Next(2) == 0 ? null : make();

    private static T Pick<T>(Random r, params T[] of) => of[r.Next(of.Length)];

    private static Arbitrary<T> FromSeed<T>(Func<Random, T> make) =>
        Gen.Choose(0, int.MaxValue - 1).Select(seed => make(new Random(seed))).ToArbitrary();
}
