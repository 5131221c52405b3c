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
        LoadBalancer = (LoadBalancer)r.Next(2),
        ConnectTimeout = Maybe(r, () => Time(r)),
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
