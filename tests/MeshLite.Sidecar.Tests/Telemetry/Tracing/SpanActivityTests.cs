using System.Diagnostics;
using System.Net;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Telemetry.Tracing;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

public sealed class SpanActivityTests
{
    private static readonly RequestSpan Span = new()
    {
        TraceId = new TraceId(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736),
        Id = new SpanId(0xb7ad6b7169203331),
        Parent = new SpanId(0x00f067aa0ba902b7),
        Sampling = SamplingState.Accepted,
    };

    private static readonly RequestRecord Request = new()
    {
        Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Duration = TimeSpan.FromMilliseconds(12),
        Direction = Direction.Outbound,
        Method = "GET",
        Target = "/items/7?token=secret",
        Protocol = "HTTP/1.1",
        Status = 200,
        Attempts = 1,
        Route = "everyone",
        DestinationService = "orders",
        DestinationNamespace = "shop",
        Endpoint = new IPEndPoint(IPAddress.Loopback, 15006),
        Tls = true,
    };

    /// <summary>The runtime's private field is what makes an activity have an id it did not make: this is what would notice it gone.</summary>
    [Fact]
    public void Create_Ids_AreTheRequests()
    {
        var activity = SpanActivity.Create(new SpanRecord { Span = Span, Request = Request, TraceState = "a=1" });

        activity.TraceId.ToHexString().ShouldBe("4bf92f3577b34da6a3ce929d0e0e4736");
        activity.SpanId.ToHexString().ShouldBe("b7ad6b7169203331");
        activity.ParentSpanId.ToHexString().ShouldBe("00f067aa0ba902b7");
        activity.HasRemoteParent.ShouldBeTrue();
        activity.ActivityTraceFlags.ShouldBe(ActivityTraceFlags.Recorded);
        activity.TraceStateString.ShouldBe("a=1");
        activity.StartTimeUtc.ShouldBe(Request.Time.UtcDateTime);
        activity.Duration.ShouldBe(Request.Duration);
        activity.Source.Name.ShouldBe("MeshLite.Sidecar");
        Activity.Current.ShouldBeNull();
    }

    [Fact]
    public void Create_RootNotSampled_HasNoParentAndNoFlag()
    {
        var activity = SpanActivity.Create(new SpanRecord { Span = Span with { Parent = default, Sampling = SamplingState.Denied }, Request = Request });

        activity.SpanId.ToHexString().ShouldBe("b7ad6b7169203331");
        activity.ParentSpanId.ShouldBe(default);
        activity.HasRemoteParent.ShouldBeFalse();
        activity.ActivityTraceFlags.ShouldBe(ActivityTraceFlags.None);
    }

    [Fact]
    public void Create_Outbound_IsAClientSpanByTheConventions()
    {
        var activity = SpanActivity.Create(new SpanRecord { Span = Span, Request = Request with { Attempts = 3 }, Host = new HostString("orders.shop", 8080) });

        activity.Kind.ShouldBe(ActivityKind.Client);
        activity.DisplayName.ShouldBe("GET everyone");
        activity.Status.ShouldBe(ActivityStatusCode.Unset);
        Tags(activity).ShouldBe(new Dictionary<string, object?>
        {
            ["http.request.method"] = "GET",
            ["http.request.resend_count"] = 2,
            ["http.response.status_code"] = 200,
            ["meshlite.destination.namespace"] = "shop",
            ["meshlite.destination.service"] = "orders",
            ["meshlite.route"] = "everyone",
            ["meshlite.tls"] = true,
            ["network.peer.address"] = "127.0.0.1",
            ["network.peer.port"] = 15006,
            ["network.protocol.version"] = "1.1",
            ["server.address"] = "orders.shop",
            ["server.port"] = 8080,
            ["url.path"] = "/items/7",
            ["url.scheme"] = "http",
        }, ignoreOrder: true);
    }

    [Fact]
    public void Create_Inbound_IsAServerSpan()
    {
        var activity = SpanActivity.Create(new SpanRecord
        {
            Span = Span,
            Request = Request with { Direction = Direction.Inbound, Route = "", Endpoint = null, Protocol = "HTTP/2", SourceWorkload = "frontend-1" },
            Host = new HostString("orders"),
        });

        activity.Kind.ShouldBe(ActivityKind.Server);
        activity.DisplayName.ShouldBe("GET");
        var tags = Tags(activity);
        tags["network.protocol.version"].ShouldBe("2");
        tags["server.port"].ShouldBe(80);
        tags["meshlite.source.workload"].ShouldBe("frontend-1");
        tags.ShouldNotContainKey("http.request.resend_count");
    }

    [Fact]
    public void Create_UnknownMethod_IsNotInTheName()
    {
        var activity = SpanActivity.Create(new SpanRecord { Span = Span, Request = Request with { Method = "BREW" } });

        activity.DisplayName.ShouldBe("HTTP everyone");
        Tags(activity)["http.request.method"].ShouldBe("_OTHER");
        Tags(activity)["http.request.method_original"].ShouldBe("BREW");
    }

    // The status of a span, by direction: client errors are errors of the client.
    [Theory]
    [InlineData("Outbound", 200, null, "", null)]
    [InlineData("Outbound", 404, null, "", "404")]
    [InlineData("Inbound", 404, null, "", null)]
    [InlineData("Outbound", 503, null, "", "503")]
    [InlineData("Inbound", 503, null, "", "503")]
    [InlineData("Outbound", 503, null, "no_healthy_endpoint", "no_healthy_endpoint")]
    [InlineData("Inbound", 404, null, "no_route", "no_route")]
    [InlineData("Outbound", 200, 0, "", null)]
    [InlineData("Outbound", 200, 5, "", "NOT_FOUND")]
    [InlineData("Inbound", 200, 5, "", null)]
    [InlineData("Inbound", 200, 13, "", "INTERNAL")]
    [InlineData("Inbound", 200, 14, "", "UNAVAILABLE")]
    [InlineData("Outbound", 200, 99, "", "_other")]
    public void Create_Outcome_IsStatusAndErrorType(string direction, int status, int? grpcStatus, string reason, string? errorType)
    {
        var activity = SpanActivity.Create(new SpanRecord
        {
            Span = Span,
            Request = Request with { Direction = Enum.Parse<Direction>(direction), Status = status, GrpcStatus = grpcStatus, Reason = reason },
            Problem = reason.Length > 0 ? "A sentence." : null,
        });

        activity.Status.ShouldBe(errorType is null ? ActivityStatusCode.Unset : ActivityStatusCode.Error);
        activity.StatusDescription.ShouldBe(reason.Length > 0 ? "A sentence." : null);
        Tags(activity).GetValueOrDefault("error.type").ShouldBe(errorType);
    }

    [Fact]
    public void Create_CallerLeft_IsCancelledAndNoError()
    {
        var activity = SpanActivity.Create(new SpanRecord { Span = Span, Request = Request with { Status = 0 } });

        activity.Status.ShouldBe(ActivityStatusCode.Unset);
        Tags(activity)["error.type"].ShouldBe("cancelled");
        Tags(activity).ShouldNotContainKey("http.response.status_code");
    }

    [Fact]
    public void Create_GrpcCall_HasTheConventionsForRpc()
    {
        var activity = SpanActivity.Create(new SpanRecord { Span = Span, Request = Request with { Target = "/shop.Orders/Get", Protocol = "HTTP/2", GrpcStatus = 4 } });

        var tags = Tags(activity);
        tags["rpc.system.name"].ShouldBe("grpc");
        tags["rpc.method"].ShouldBe("shop.Orders/Get");
        tags["rpc.response.status_code"].ShouldBe("DEADLINE_EXCEEDED");
    }

    [Theory]
    [InlineData("Grpc", "http://collector:4317", "http://collector:4317/")]
    [InlineData("HttpProtobuf", "http://collector:4318", "http://collector:4318/v1/traces")]
    [InlineData("HttpProtobuf", "https://collector/otlp/", "https://collector/otlp/v1/traces")]
    [InlineData("HttpProtobuf", "http://collector:4318/v1/traces", "http://collector:4318/v1/traces")]
    public void Endpoint_OfTheCollector_HasThePathOfItsProtocol(string protocol, string configured, string expected) =>
        OtlpExport.Endpoint(new Model.TracingConfig { Endpoint = new Uri(configured), Protocol = Enum.Parse<Model.OtlpProtocol>(protocol) }).ToString().ShouldBe(expected);

    private static Dictionary<string, object?> Tags(Activity activity) => activity.TagObjects.ToDictionary(tag => tag.Key, tag => tag.Value);
}
