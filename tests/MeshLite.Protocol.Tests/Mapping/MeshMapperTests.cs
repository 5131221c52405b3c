using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Tests.Mapping;

public sealed class MeshMapperTests
{
    private static readonly ServiceRef Orders = new("shop", "orders", 80);

    [Fact]
    public void ToProto_OfAnyDestinationReceived_GivesItBack() => Prop.ForAll(RandomResources.Destinations, destination =>
        MeshMapper.ToProto(MeshMapper.FromProto("orders", destination)).Equals(destination)).QuickCheckThrowOnFailure();

    [Fact]
    public void ToProto_OfAnyEndpointsReceived_GivesThemBack() => Prop.ForAll(RandomResources.EndpointPairs, pair =>
        MeshMapper.ToProto(MeshMapper.FromProto(Orders, pair.From)).Equals(pair.From)).QuickCheckThrowOnFailure();

    [Fact]
    public void ToProto_OfMeshReceived_GivesItBack()
    {
        var mesh = new Proto.Mesh
        {
            TrustDomain = "cluster.local", TrustBundle = { Root(), Root() }, ClusterNetworks = { "10.0.0.0/8", "fd00::/8" }, AccessLog = Proto.AccessLogMode.All,
            Tracing = new() { Endpoint = "http://collector:4318", Protocol = Proto.Tracing.Types.Protocol.HttpProtobuf, SamplingPercent = 0.5 },
            Egress = new() { Mode = Proto.Egress.Types.Mode.Deny, Allow = { "example.com", "*.example.org", "192.0.2.1", "2001:db8::/32" } },
        };

        MeshMapper.ToProto(MeshMapper.FromProto(mesh)).ShouldBe(mesh);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ToProto_OfWorkloadReceived_GivesItBack(bool serves)
    {
        var workload = new Proto.Workload
        {
            SpiffeId = "spiffe://cluster.local/ns/shop/sa/orders", Mtls = Proto.MtlsMode.Strict, Workload_ = "orders-1", Version = "v1",
            MaxRequests = 7, RateLimits = { new Proto.CallerRateLimit { Principals = { "*" }, Limit = new() { RequestsPerSecond = 50, Burst = 9 } } },
            OpaquePorts = { 3306, 6379 },
            Authorization =
            {
                new Proto.AuthorizationPolicy
                {
                    Name = "shop/callers", Action = Proto.AuthorizationPolicy.Types.Action.Deny,
                    Rules = { new Proto.AuthorizationRule { Principals = { "*/sa/web" }, Namespaces = { "shop" }, Ports = { 8080 }, Methods = { "GET" }, Paths = { "/a/*" } } },
                },
                new Proto.AuthorizationPolicy { Name = "shop/nobody", Action = Proto.AuthorizationPolicy.Types.Action.Allow },
            },
            Service = serves ? new() { Namespace = "shop", Name = "orders" } : null,
        };

        MeshMapper.ToProto(MeshMapper.FromProto(workload)).ShouldBe(workload);
    }

    /// <summary>Left out, or kept at what held before, the policy would be open where its author closed it.</summary>
    [Theory]
    [InlineData("no action", new byte[] { })]
    [InlineData("action of later", new byte[] { 0x10, 99 })]
    [InlineData("field of later in the policy", new byte[] { 0x10, 1, 0x20, 1 })]
    [InlineData("field of later in a rule", new byte[] { 0x10, 1, 0x1a, 2, 0x30, 1 })]
    [InlineData("port 0", new byte[] { 0x10, 1, 0x1a, 3, 0x1a, 1, 0 })]
    [InlineData("empty path", new byte[] { 0x10, 1, 0x1a, 2, 0x2a, 0 })]
    [InlineData("path ***", new byte[] { 0x10, 1, 0x1a, 5, 0x2a, 3, (byte)'*', (byte)'*', (byte)'*' })]
    [InlineData("method *", new byte[] { 0x10, 1, 0x1a, 3, 0x22, 1, (byte)'*' })]
    public void FromProto_OfPolicyNotUnderstoodWhole_IsKeptAsUnintelligible(string what, byte[] encoded)
    {
        var workload = new Proto.Workload { SpiffeId = "spiffe://cluster.local/ns/shop/sa/orders", Authorization = { Proto.AuthorizationPolicy.Parser.ParseFrom(encoded) } };

        var policy = MeshMapper.FromProto(workload).Authorization.ShouldHaveSingleItem(what);

        policy.Action.ShouldBe(AuthorizationAction.Unintelligible, what);
        MeshMapper.FromProto(MeshMapper.ToProto(MeshMapper.FromProto(workload))).Authorization[0].Action.ShouldBe(AuthorizationAction.Unintelligible);
    }

    [Theory]
    [InlineData("example.com:443")]
    [InlineData("*")]
    [InlineData("10.0.0.0/33")]
    [InlineData("")]
    public void FromProto_OfEgressEntryThatIsNone_IsRefused(string entry) =>
        Should.Throw<FormatException>(() => MeshMapper.FromProto(new Proto.Mesh { TrustDomain = "cluster.local", Egress = new() { Allow = { entry } } }))
            .Message.ShouldStartWith("mesh.egress.allow[0]: ");

    [Fact]
    public void Enums_OfModelAndContract_HaveTheSameNamesAndValues()
    {
        Names<AccessLogMode>().ShouldBe(Names<Proto.AccessLogMode>());
        Names<EgressMode>().ShouldBe(Names<Proto.Egress.Types.Mode>());
        Names<AuthorizationAction>().Skip(1).ShouldBe(Names<Proto.AuthorizationPolicy.Types.Action>().Skip(1));
        Names<MtlsMode>().ShouldBe(Names<Proto.MtlsMode>());
        Names<DestinationKind>().ShouldBe(Names<Proto.Destination.Types.Kind>());
        Names<AppProtocol>().ShouldBe(Names<Proto.AppProtocol>());
        Names<PathMatchType>().ShouldBe(Names<Proto.PathMatch.Types.Type>());
        Names<ValueMatchType>().ShouldBe(Names<Proto.ValueMatch.Types.Type>());
        Names<LoadBalancerType>().ShouldBe(Names<Proto.LoadBalancer.Types.Type>());
        Names<HashKeyType>().ShouldBe(Names<Proto.HashKey.Types.Type>());
        Names<PathRewriteType>().ShouldBe(Names<Proto.PathRewrite.Types.Type>());
        Names<OtlpProtocol>().ShouldBe(Names<Proto.Tracing.Types.Protocol>());

        static IEnumerable<(string, int)> Names<T>()
            where T : struct, Enum => Enum.GetValues<T>().Select(v => (v.ToString(), Convert.ToInt32(v)));
    }

    [Theory]
    [MemberData(nameof(BadDestinations))]
    public void FromProto_BadDestination_NamesTheField(string field, Action<Proto.Destination> spoil)
    {
        var destination = new Proto.Destination
        {
            Service = MeshMapper.ToProto(Orders),
            Matches = { new Proto.RouteMatch { Path = new() { Value = "/" }, Headers = { new Proto.ValueMatch { Name = "a" } } } },
            Rules = { new Proto.RouteRule { Backends = { new Proto.WeightedBackend() }, RequestHeaders = new() { Set = { new Proto.Header { Name = "a" } } } } },
            Backends = { new Proto.Backend { Service = MeshMapper.ToProto(Orders) } },
        };
        _ = MeshMapper.FromProto("orders", destination);

        spoil(destination);

        Should.Throw<FormatException>(() => MeshMapper.FromProto("orders", destination)).Message.ShouldStartWith(field + ":");
    }

    public static TheoryData<string, Action<Proto.Destination>> BadDestinations => new()
    {
        { "destination.kind", d => d.Kind = (Proto.Destination.Types.Kind)9 },
        { "destination.service", d => d.Service = null },
        { "destination.service.namespace", d => d.Service.Namespace = "a/b" },
        { "destination.service.port", d => d.Service.Port = 0 },
        { "destination.protocol", d => d.Protocol = (Proto.AppProtocol)9 },
        { "destination.matches[0].rule", d => d.Matches[0].Rule = 1 },
        { "destination.matches[0].rule", d => d.Matches[0].Rule = uint.MaxValue },
        { "destination.matches[0].path.value", d => d.Matches[0].Path.Value = "a" },
        { "destination.matches[0].path.value", d => d.Matches[0].Path = new() { Type = Proto.PathMatch.Types.Type.RegularExpression, Value = "(" } },
        { "destination.matches[0].headers[0].value", d => d.Matches[0].Headers[0] = new() { Type = Proto.ValueMatch.Types.Type.RegularExpression, Name = "a", Value = @"(a)\1" } },
        { "destination.matches[0].headers[0].name", d => d.Matches[0].Headers[0].Name = "a b" },
        { "destination.matches[0].method", d => d.Matches[0].Method = "GET /" },
        { "destination.rules[0].backends[0].backend", d => d.Rules[0].Backends[0].Backend = 1 },
        { "destination.rules[0].backends[0].weight", d => d.Rules[0].Backends[0].Weight = 1_000_001 },
        { "destination.rules[0].request_headers.set[0].value", d => d.Rules[0].RequestHeaders.Set[0].Value = "a\r\nb: c" },
        { "destination.rules[0].request_headers.remove[0]", d => d.Rules[0].RequestHeaders.Remove.Add("") },
        { "destination.rules[0].request_timeout", d => d.Rules[0].RequestTimeout = new() { Seconds = -1 } },
        { "destination.rules[0].request_timeout", d => d.Rules[0].RequestTimeout = new() { Nanos = -1 } },
        { "destination.backends[0].policy.connect_timeout", d => d.Backends[0].Policy = new() { ConnectTimeout = new() { Seconds = long.MaxValue } } },
        { "destination.backends[0].service", d => d.Backends[0].Service = null },
        { "destination.backends[0].policy.load_balancer.type", d => d.Backends[0].Policy = new() { LoadBalancer = new() { Type = (Proto.LoadBalancer.Types.Type)9 } } },
    };

    [Theory]
    [InlineData("endpoints[0].address", "010.0.0.1", 80, "")]
    [InlineData("endpoints[0].address", "orders", 80, "")]
    [InlineData("endpoints[0].port", "10.0.0.1", 65536, "")]
    [InlineData("endpoints[0].spiffe_id", "10.0.0.1", 80, "spiffe://x/ns/shop")]
    public void FromProto_BadEndpoint_NamesTheField(string field, string address, uint port, string id)
    {
        var endpoints = new Proto.Endpoints { Endpoints_ = { new Proto.Endpoint { Address = address, Port = port, SpiffeId = id } } };

        Should.Throw<FormatException>(() => MeshMapper.FromProto(Orders, endpoints)).Message.ShouldStartWith(field + ":");
    }

    [Fact]
    public void FromProto_EndpointTwice_IsRefused()
    {
        var endpoints = new Proto.Endpoints { Endpoints_ = { new Proto.Endpoint { Address = "10.0.0.1", Port = 80 }, new Proto.Endpoint { Address = "10.0.0.1", Port = 80, Weight = 2 } } };

        Should.Throw<FormatException>(() => MeshMapper.FromProto(Orders, endpoints)).Message.ShouldStartWith("endpoints[1]:");
    }

    [Theory]
    [InlineData("mesh.cluster_networks[0]", "cluster.local", "10.0.0.0/33", false)]
    [InlineData("mesh.trust_domain", "Cluster", "10.0.0.0/8", false)]
    [InlineData("mesh.trust_bundle[0]", "cluster.local", "10.0.0.0/8", true)]
    public void FromProto_BadMesh_NamesTheField(string field, string trustDomain, string network, bool badRoot)
    {
        var mesh = new Proto.Mesh { TrustDomain = trustDomain, ClusterNetworks = { network }, TrustBundle = { badRoot ? ByteString.CopyFrom(1, 2) : Root() } };

        Should.Throw<FormatException>(() => MeshMapper.FromProto(mesh)).Message.ShouldStartWith(field + ":");
    }

    private static ByteString Root()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return ByteString.CopyFrom(certificate.RawData);
    }
}
