using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class AttemptEndTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData(200, "", "", "Success", false)]
    [InlineData(404, "", "Status 404", "Success", false)]
    [InlineData(429, "", "Status 429", "Success", false)]
    [InlineData(500, "", "Status 500", "Failure", true)]
    [InlineData(503, "meshlite-error: overloaded", "Status 503", "Failure", true)]
    [InlineData(503, "meshlite-undelivered: 1", "Undelivered 0", "Failure", true)]
    [InlineData(200, "grpc-status: 0", "", "Success", false)]
    [InlineData(200, "grpc-status: 14", "GrpcStatus 14", "Failure", true)]
    [InlineData(200, "grpc-status: 5", "GrpcStatus 5", "Success", false)]
    [InlineData(200, "grpc-status: 4", "GrpcStatus 4", "Success", false)]
    [InlineData(200, "grpc-status: 4, meshlite-error: request_timeout", "GrpcStatus 4", "Failure", true)]
    [InlineData(504, "meshlite-error: request_timeout", "Status 504", "Failure", true)]
    public void Of_Response_IsJudgedByItsHead(int status, string headers, string cause, string outcome, bool failed)
    {
        var end = OfResponse(TestRequest.Begin(_time), status, headers);

        Describe(end.Cause).ShouldBe(cause);
        end.Outcome.ToString().ShouldBe(outcome);
        end.Failed.ShouldBe(failed);
    }

    /// <summary>The caller's own deadline has passed at the peer: nobody's failure, however the peer says it.</summary>
    [Theory]
    [InlineData(504, "meshlite-error: request_timeout")]
    [InlineData(504, "meshlite-error: request_timeout, meshlite-undelivered: 1")]
    [InlineData(200, "meshlite-error: request_timeout, grpc-status: 4")]
    [InlineData(200, "meshlite-error: request_timeout, grpc-status: 4, meshlite-undelivered: 1")]
    public void Of_ResponseThatTheCallersTimeIsUp_IsNeutral(int status, string headers)
    {
        var state = TestRequest.Begin(_time, headers: [("meshlite-timeout", "1S")]);
        RequestDeadline.Begin(state, TimeSpan.FromSeconds(10));

        OfResponse(state, status, headers).Outcome.ShouldBe(AttemptOutcome.Neutral);
    }

    [Theory]
    [InlineData(504, "")]
    [InlineData(503, "meshlite-error: overloaded")]
    public void Of_AnotherFailureWithinTheCallersTime_IsOne(int status, string headers)
    {
        var state = TestRequest.Begin(_time, headers: [("meshlite-timeout", "1S")]);
        RequestDeadline.Begin(state, timeout: null);

        OfResponse(state, status, headers).Outcome.ShouldBe(AttemptOutcome.Failure);
    }

    /// <summary>The next hop is told of the shorter of the two bounds, and may be the first to say so.</summary>
    [Theory]
    [InlineData(1, 10, 504, "meshlite-error: request_timeout", true)]
    [InlineData(1, null, 504, "meshlite-error: request_timeout, meshlite-undelivered: 1", true)]
    [InlineData(1, 10, 200, "meshlite-error: request_timeout, grpc-status: 4", true)]
    [InlineData(1, 10, 504, "", false)]
    [InlineData(10, 1, 504, "meshlite-error: request_timeout", false)]
    [InlineData(0, 1, 504, "meshlite-error: request_timeout", false)]
    public void Of_ResponseThatTheAttemptsTimeIsUp_IsItsTimeout(int attempt, int? request, int status, string headers, bool ofAttempt)
    {
        var state = TestRequest.Begin(_time);
        RequestDeadline.Begin(state, request is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        using var time = new AttemptTime(state, TimeSpan.FromSeconds(attempt), CancellationToken.None);

        var end = OfResponse(state, status, headers, time);

        (end.Error?.Reason == ErrorReason.AttemptTimeout).ShouldBe(ofAttempt);
        (end.Cause?.Kind == RetryCauseKind.AttemptTimeout).ShouldBe(ofAttempt);
        (end.Response is null).ShouldBe(ofAttempt);
        end.Outcome.ShouldBe(AttemptOutcome.Failure);
    }

    [Fact]
    public void Of_ResponseUnderAPolicy_FailsByItsCodes()
    {
        var codes = new FailureCodes([503]);
        var state = TestRequest.Begin(_time);
        using var bad = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        using var other = new HttpResponseMessage(HttpStatusCode.InternalServerError);

        AttemptEnd.Of(state, codes, bad, default).Outcome.ShouldBe(AttemptOutcome.Failure);
        AttemptEnd.Of(state, codes, other, default).Outcome.ShouldBe(AttemptOutcome.Success);
    }

    [Theory]
    [InlineData("1S", 10, 2, "Neutral")]
    [InlineData("20S", 10, 11, "Failure")]
    [InlineData(null, 10, 11, "Failure")]
    [InlineData(null, null, 61, "Failure")]
    [InlineData("2M", null, 61, "Failure")]
    public void Of_ExceptionWhenTimeIsUp_IsTheFaultOfWhoseTimeItWas(string? caller, int? rule, int passed, string outcome)
    {
        var state = TestRequest.Begin(_time, headers: caller is null ? [] : [("meshlite-timeout", caller)]);
        RequestDeadline.Begin(state, rule is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        _time.Advance(TimeSpan.FromSeconds(passed));

        var end = AttemptEnd.Of(state, new OperationCanceledException(), default, body: null);

        end.Outcome.ToString().ShouldBe(outcome);
        end.Cause.ShouldBeNull("time is up");
    }

    [Fact]
    public async Task Of_ExceptionWhenTheCallerHasLeft_IsNeutral()
    {
        using var left = new CancellationTokenSource();
        await left.CancelAsync();

        var end = AttemptEnd.Of(TestRequest.Begin(_time, aborted: left.Token), new HttpRequestException("reset"), default, body: null);

        (end.Outcome, end.Cause, end.Error).ShouldBe((AttemptOutcome.Neutral, null, null));
    }

    [Fact]
    public void Of_ExceptionWhenTheAttemptsTimeIsUp_IsAFailureWorthAnother()
    {
        var state = TestRequest.Begin(_time);
        using var time = new AttemptTime(state, TimeSpan.FromMilliseconds(250), CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(1));

        var end = AttemptEnd.Of(state, new OperationCanceledException(), time, body: null);

        end.Outcome.ShouldBe(AttemptOutcome.Failure);
        Describe(end.Cause).ShouldBe("AttemptTimeout 0");
        end.Error!.Reason.ShouldBe(ErrorReason.AttemptTimeout);
        end.Error.Detail.ShouldContain("250 ms");
    }

    [Theory]
    [InlineData("reset", "Reset 0", "ProtocolError")]
    [InlineData("connect", "Undelivered 0", "ConnectFailure")]
    [InlineData("tls", "Undelivered 0", "TlsFailure")]
    [InlineData("refused stream", "Undelivered 0", "ConnectFailure")]
    public void Of_Exception_IsUndeliveredOnlyWhereThatIsCertain(string what, string cause, string reason)
    {
        Exception exception = what switch
        {
            "connect" => new ConnectException(tls: false, "no"),
            "tls" => new ConnectException(tls: true, "no"),
            "refused stream" => new HttpProtocolException(7, "refused", null),
            _ => new IOException("reset"),
        };

        var end = AttemptEnd.Of(TestRequest.Begin(_time), new HttpRequestException("failed", exception), default, body: null);

        Describe(end.Cause).ShouldBe(cause);
        end.Error!.Reason.ToString().ShouldBe(reason);
        end.Outcome.ShouldBe(AttemptOutcome.Failure);
    }

    /// <summary>A caller whose upload breaks off blames nobody; a server that breaks it off is to blame.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_ExceptionOfABody_IsTheFaultOfWhoBrokeIt(bool callers)
    {
        var state = TestRequest.Begin(_time, "POST");
        var source = callers
            ? new ScriptedContent(new byte[10]) { Failure = new IOException("malformed") }
            : new ScriptedContent(new byte[ReplayContent.MaxReplayBytes + 1], new byte[10]);
        using var body = new ReplayContent(source, state);
        var sent = await Should.ThrowAsync<Exception>(body.CopyToAsync(new AttemptStream { FailsAfter = callers ? int.MaxValue : ReplayContent.MaxReplayBytes + 5 }));

        var end = AttemptEnd.Of(state, new HttpRequestException("body", sent), default, body);

        end.Outcome.ShouldBe(callers ? AttemptOutcome.Neutral : AttemptOutcome.Failure);
        Describe(end.Cause).ShouldBe(callers ? "" : "Reset 0");
    }

    private static AttemptEnd OfResponse(RequestState state, int status, string headers, AttemptTime time = default)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status);
        foreach (var header in headers.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = header.Split(": ");
            response.Headers.TryAddWithoutValidation(parts[0], parts[1]).ShouldBeTrue();
        }

        return AttemptEnd.Of(state, FailureCodes.ServerErrors, response, time);
    }

    private static string Describe(RetryCause? cause) => cause is { } known ? $"{known.Kind} {known.Code}" : "";
}
