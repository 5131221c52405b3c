using BenchmarkDotNet.Attributes;
using MeshLite.Model;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Benchmarks;

/// <summary>A request's rule among a Service's many: prefixes, half of which ask for a method or a header besides.</summary>
public class RouteMatchBenchmarks
{
    private readonly HeaderDictionary _headers = new() { ["x-canary"] = "true" };
    private RouteTable _table = null!;
    private string _last = "";

    [Params(1, 100, 5000)]
    public int Routes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var config = new DestinationConfig
        {
            Authority = "orders.shop",
            Kind = DestinationKind.Service,
            Rules = [new RouteRuleConfig { Name = "orders/everyone" }],
            Matches =
            [
                .. Enumerable.Range(0, Routes).Select(i => new RouteMatchConfig
                {
                    Rule = 0,
                    Path = new PathMatchConfig(PathMatchType.PathPrefix, $"/api/v1/resource{i}"),
                    Method = i % 4 == 1 ? "GET" : null,
                    Headers = i % 4 == 3 ? [new ValueMatchConfig(ValueMatchType.Exact, "x-canary", "true")] : [],
                }),
            ],
        };
        if (!RouteTable.TryBuild(config, BenchMesh.Settings, out var table, out var problems))
        {
            throw new InvalidOperationException(string.Join("; ", problems));
        }

        _table = table;
        _last = $"/api/v1/resource{Routes - 1}/items/17";
    }

    [Benchmark]
    public bool TryMatch_Last() => _table.TryMatch(new RequestHead("GET", _last, "page=2", _headers), out _);

    [Benchmark]
    public bool TryMatch_None() => _table.TryMatch(new RequestHead("GET", "/api/v2/resource/items/17", "page=2", _headers), out _);
}
