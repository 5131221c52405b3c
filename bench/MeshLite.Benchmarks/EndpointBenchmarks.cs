using System.Net;
using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using AppProtocol = MeshLite.Model.AppProtocol;
using Resource = MeshLite.Protocol.V1.Resource;
using ServiceRef = MeshLite.Model.ServiceRef;

namespace MeshLite.Benchmarks;

/// <summary>
/// One endpoint of a Service flips, and the control plane makes of it what it sends: index, compile, hash, difference. Then what the
/// sidecar does with it: apply, hash.
/// </summary>
public class EndpointBenchmarks
{
    private const int SliceSize = 100;
    private static readonly ServiceKey Service = new("shop", "orders");

    private IndexView _view = IndexView.Empty;
    private EndpointSliceResource[] _slices = [];
    private PublishedResource _published = null!;
    private bool _ready = true;
    private Endpoints _held = new();
    private EndpointsDelta _delta = new();

    [Params(100, 1000)]
    public int Endpoints { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var touched = new HashSet<IndexKey>();
        var document = new ServiceResource { Key = new(ResourceKind.Service, "shop", "orders"), Origin = default, Ports = [new ServicePort("", 80, 8080, AppProtocol.Http)] };
        _view = IndexReducer.Apply(_view, new ResourceChange(document.Key, document, 0), touched);
        for (var i = 0; i < Endpoints; i++)
        {
            var pod = new PodResource
            {
                Key = PodOf(i), Addresses = [AddressOf(i)], Injected = true, ServiceAccount = "orders",
                Labels = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("app", "orders").Add("pod-template-hash", "5d4f8c7b9").Add("version", "v1"),
            };
            _view = IndexReducer.Apply(_view, new PodChange(pod.Key, pod, 0), touched);
        }

        _slices = [.. Enumerable.Range(0, Endpoints / SliceSize).Select(s => new EndpointSliceResource
        {
            Key = new("shop", $"orders-{s}"), Service = Service, Ports = [new SlicePort("", 8080)],
            Endpoints = [.. Enumerable.Range(s * SliceSize, SliceSize).Select(i => new SliceEndpoint(AddressOf(i), true, true, false, PodOf(i)))],
        })];
        foreach (var slice in _slices)
        {
            _view = IndexReducer.Apply(_view, new SliceChange(slice.Key, slice, 0), touched);
        }

        _published = Publish();
        _held = Resource.Parser.ParseFrom(_published.Encoded).Endpoints;
        Flip();
        _delta = Resource.Parser.ParseFrom(Publish().EncodedFor(_published)).EndpointsDelta;
    }

    /// <summary>What the change costs the control plane, once for all who are told.</summary>
    [Benchmark]
    public ByteString Publish_OneFlips()
    {
        Flip();
        var before = _published;
        _published = Publish();
        return _published.EncodedFor(before);
    }

    /// <summary>What it costs each sidecar, but for its load balancer.</summary>
    [Benchmark]
    public string Apply_OneFlips() => ContentHash.Of(EndpointDeltas.Apply(_held, _delta));

    private static PodKey PodOf(int i) => new("shop", $"orders-5d4f8c7b9-{i:x5}");

    private static IPAddress AddressOf(int i) => new([10, 1, (byte)(i >> 8), (byte)i]);

    private void Flip()
    {
        _ready = !_ready;
        var slice = _slices[^1] with { Endpoints = _slices[^1].Endpoints.SetItem(7, _slices[^1].Endpoints[7] with { Ready = _ready }) };
        _view = IndexReducer.Apply(_view, new SliceChange(slice.Key, slice, 0), new HashSet<IndexKey>());
    }

    private PublishedResource Publish()
    {
        var key = new EndpointsKey(new ServiceRef("shop", "orders", 80));
        return new PublishedResource(key.ResourceKey, key.Compile(_view), 0);
    }
}
