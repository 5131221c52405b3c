using System.Text;
using System.Text.Json;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Tests.Pipeline;

public sealed class ErrorResponderTests
{
    private readonly DefaultHttpContext _context = new();
    private readonly MemoryStream _body = new();

    public ErrorResponderTests()
    {
        _context.Request.Method = "GET";
        _context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(_body));
    }

    /// <summary>The table of design.md §3; every reason there is stands in it.</summary>
    public static TheoryData<string, string, string, int, int> Table => new()
    {
        { "NoRoute", "Mesh", "no_route", 404, 12 },
        { "Denied", "Downstream", "denied", 403, 7 },
        { "RateLimited", "Mesh", "rate_limited", 429, 8 },
        { "Overloaded", "Mesh", "overloaded", 503, 8 },
        { "CircuitOpen", "Mesh", "circuit_open", 503, 14 },
        { "AttemptTimeout", "Upstream", "attempt_timeout", 504, 4 },
        { "FaultInjected", "Mesh", "fault_injected", 503, 14 },
        { "NoHealthyEndpoint", "Upstream", "no_healthy_endpoint", 503, 14 },
        { "DestinationUnknown", "Mesh", "destination_unknown", 503, 14 },
        { "ConnectFailure", "Upstream", "connect_failure", 502, 14 },
        { "TlsFailure", "Upstream", "tls_failure", 502, 14 },
        { "RequestTimeout", "Upstream", "request_timeout", 504, 4 },
        { "ProtocolError", "Downstream", "protocol_error", 400, 13 },
        { "ProtocolError", "Upstream", "protocol_error", 502, 13 },
    };

    [Fact]
    public void Table_Reasons_AreComplete() =>
        Enum.GetNames<ErrorReason>().Except(Table.Select(row => row.Data.Item1)).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Respond_ToHttp_SaysReasonAndSentence(string reason, string source, string label, int http, int grpc)
    {
        _ = grpc;
        await RespondAsync(Error(reason, source));

        _context.Response.StatusCode.ShouldBe(http);
        _context.Response.Headers[MeshHeaders.Error].ToString().ShouldBe(label);
        _context.Response.ContentType.ShouldBe("text/plain; charset=utf-8");
        Body().ShouldBe($"{label}: Nothing works, \"at all\".\n");
        _context.Response.ContentLength.ShouldBe(_body.Length);
        _context.Response.Headers.RetryAfter.ToString().ShouldBe(http == 503 ? "1" : "");
        ErrorReasons.Known(label).ShouldBe(label);
    }

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Respond_ToGrpc_IsTrailersOnly(string reason, string source, string label, int http, int grpc)
    {
        _ = http;
        _context.Request.ContentType = "application/grpc+proto";
        await RespondAsync(Error(reason, source));

        _context.Response.StatusCode.ShouldBe(200);
        _context.Response.Headers["grpc-status"].ToString().ShouldBe(grpc.ToString());
        _context.Response.Headers["grpc-message"].ToString().ShouldBe($"{label}%3A Nothing works%2C %22at all%22.");
        _context.Response.Headers[MeshHeaders.Error].ToString().ShouldBe(label);
        _body.Length.ShouldBe(0);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/html, application/json;q=0.5")]
    public async Task Respond_ToWhoAcceptsJson_IsJson(string accept)
    {
        _context.Request.Headers.Accept = accept;
        await RespondAsync(Error("Denied", "Downstream"));

        _context.Response.ContentType.ShouldBe("application/json");
        using var json = JsonDocument.Parse(Body());
        json.RootElement.GetProperty("error").GetString().ShouldBe("denied");
        json.RootElement.GetProperty("message").GetString().ShouldBe("Nothing works, \"at all\".");
    }

    [Fact]
    public async Task Respond_ToHead_HasHeadersOnly()
    {
        _context.Request.Method = "HEAD";
        await RespondAsync(Error("Denied", "Downstream"));

        _context.Response.StatusCode.ShouldBe(403);
        _context.Response.ContentLength.ShouldBe("denied: Nothing works, \"at all\".\n".Length);
        _body.Length.ShouldBe(0);
    }

    [Fact]
    public async Task Respond_WhatWasSetBefore_IsGone()
    {
        _context.Response.Headers.ETag = "\"1\"";
        _context.Response.ContentLength = 1_000_000;
        await RespondAsync(Error("Denied", "Downstream"));

        _context.Response.Headers.ContainsKey("ETag").ShouldBeFalse();
        _context.Response.ContentLength.ShouldBe(_body.Length);
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    public async Task Respond_Undelivered_IsToldToSidecarsAlone(bool undelivered, bool toSidecar, bool told)
    {
        await ErrorResponder.RespondAsync(_context, Error("ConnectFailure", "Upstream") with { Undelivered = undelivered }, toSidecar);

        _context.Response.Headers.ContainsKey(MeshHeaders.Undelivered).ShouldBe(told);
    }

    [Fact]
    public async Task Respond_ResponseHasBegun_CutsItOff()
    {
        var lifetime = new Lifetime();
        _context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);
        _context.Features.Set<IHttpResponseFeature>(new Begun());
        await RespondAsync(Error("ProtocolError", "Upstream"));

        lifetime.Aborted.ShouldBeTrue();
        _body.Length.ShouldBe(0);
    }

    [Theory]
    [InlineData("no_such_reason")]
    [InlineData("")]
    [InlineData("DENIED")]
    public void Known_OtherLabels_ShareOne(string label) => ErrorReasons.Known(label).ShouldBe("_other");

    private static ProxyError Error(string reason, string source) =>
        new(Enum.Parse<ErrorReason>(reason), Enum.Parse<ErrorSource>(source), "Nothing works, \"at all\".");

    private Task RespondAsync(ProxyError error) => ErrorResponder.RespondAsync(_context, error, toSidecar: false);

    private string Body() => Encoding.UTF8.GetString(_body.ToArray());

    private sealed class Begun : HttpResponseFeature
    {
        public override bool HasStarted => true;
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public bool Aborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => Aborted = true;
    }
}
