using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Tests.Resilience.Retry;

public sealed class RetryPolicyTests
{
    private static readonly RetryCause[] NotUndelivered =
    [
        RetryCause.Reset, RetryCause.AttemptTimeout, RetryCause.Status(502), RetryCause.Status(503), RetryCause.Status(504), RetryCause.GrpcStatus(14),
    ];

    [Theory]
    [InlineData(0, 0, 2)]
    [InlineData(1, 1, 2)]
    [InlineData(2, 2, 2)]
    [InlineData(5, 5, 5)]
    public void MaxRetries_Undelivered_IsNeverLessThanTwo(int attempts, int other, int undelivered)
    {
        var policy = new RetryPolicy(new RetryConfig { Attempts = attempts });

        policy.MaxRetries(undelivered: false).ShouldBe(other);
        policy.MaxRetries(undelivered: true).ShouldBe(undelivered);
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("HEAD", true)]
    [InlineData("OPTIONS", true)]
    [InlineData("TRACE", true)]
    [InlineData("PUT", true)]
    [InlineData("DELETE", true)]
    [InlineData("POST", false)]
    [InlineData("PATCH", false)]
    [InlineData("CONNECT", false)]
    [InlineData("get", false)]
    [InlineData("PURGE", false)]
    public void MayResend_NothingDeclared_OnlyIdempotentMethods(string method, bool may)
    {
        foreach (var cause in NotUndelivered)
        {
            RetryPolicy.Default.MayResend(method, hasIdempotencyKey: false, isGrpc: false, cause).ShouldBe(may);
            RetryPolicy.Default.MayResend(method, hasIdempotencyKey: true, isGrpc: false, cause).ShouldBeTrue();
        }

        RetryPolicy.Default.MayResend(method, hasIdempotencyKey: false, isGrpc: false, RetryCause.Undelivered).ShouldBeTrue();
    }

    [Theory]
    [InlineData(200)]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(501)]
    public void MayResend_StatusNotDeclared_Never(int status) =>
        RetryPolicy.Default.MayResend("GET", hasIdempotencyKey: true, isGrpc: false, RetryCause.Status(status)).ShouldBeFalse();

    [Fact]
    public void MayResend_CodesAndMethodsDeclared_TheyAloneHold()
    {
        var policy = new RetryPolicy(new RetryConfig { Codes = [500, 429], Methods = ["POST"] });

        policy.MayResend("POST", false, false, RetryCause.Status(500)).ShouldBeTrue();
        policy.MayResend("POST", false, false, RetryCause.Status(429)).ShouldBeTrue();
        policy.MayResend("POST", false, false, RetryCause.Status(503)).ShouldBeFalse();
        policy.MayResend("POST", false, false, RetryCause.Reset).ShouldBeTrue();
        policy.MayResend("GET", false, false, RetryCause.Status(500)).ShouldBeFalse();
        policy.MayResend("GET", true, false, RetryCause.Status(500)).ShouldBeTrue();
    }

    [Fact]
    public void MayResend_GrpcCodesDeclared_HoldForEveryGrpcCall()
    {
        var policy = new RetryPolicy(new RetryConfig { GrpcCodes = [8, 10] });

        policy.MayResend("POST", false, isGrpc: true, RetryCause.GrpcStatus(8)).ShouldBeTrue();
        policy.MayResend("POST", false, isGrpc: true, RetryCause.GrpcStatus(10)).ShouldBeTrue();
        policy.MayResend("POST", false, isGrpc: true, RetryCause.GrpcStatus(14)).ShouldBeFalse();
        policy.MayResend("POST", true, isGrpc: true, RetryCause.GrpcStatus(14)).ShouldBeFalse();

        // What is declared of gRPC statuses says nothing of what never got one.
        policy.MayResend("POST", false, isGrpc: true, RetryCause.Reset).ShouldBeFalse();
        policy.MayResend("POST", false, isGrpc: true, RetryCause.Status(503)).ShouldBeFalse();
        policy.MayResend("POST", false, isGrpc: false, RetryCause.GrpcStatus(8)).ShouldBeFalse();
    }

    [Fact]
    public void MayResend_NoGrpcCodes_UnavailableWithAKeyOnly()
    {
        RetryPolicy.Default.MayResend("POST", false, isGrpc: true, RetryCause.GrpcStatus(14)).ShouldBeFalse();
        RetryPolicy.Default.MayResend("POST", true, isGrpc: true, RetryCause.GrpcStatus(14)).ShouldBeTrue();
        RetryPolicy.Default.MayResend("POST", true, isGrpc: true, RetryCause.GrpcStatus(13)).ShouldBeFalse();
    }

    [Theory]
    [InlineData(1, 25)]
    [InlineData(2, 50)]
    [InlineData(3, 100)]
    [InlineData(4, 200)]
    [InlineData(5, 250)]
    [InlineData(6, 250)]
    [InlineData(int.MaxValue, 250)]
    public void MaxBackoff_AnyRetry_DoublesUpToTenTimes(int retry, int milliseconds)
    {
        RetryPolicy.Default.MaxBackoff(retry).ShouldBe(TimeSpan.FromMilliseconds(milliseconds));
        new RetryPolicy(new RetryConfig { Backoff = TimeSpan.FromSeconds(1) }).MaxBackoff(retry).ShouldBe(TimeSpan.FromMilliseconds(40 * milliseconds));
        new RetryPolicy(new RetryConfig { Backoff = TimeSpan.Zero }).MaxBackoff(retry).ShouldBe(TimeSpan.Zero);
    }

    /// <summary>Full jitter: uniform over the whole of [0, bound], by Kolmogorov-Smirnov (its 1 in 1,000 bound; the seed is fixed).</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Backoff_ManyDraws_AreUniform(int retry)
    {
        var random = new Random(31);
        var bound = RetryPolicy.Default.MaxBackoff(retry);

        var draws = Enumerable.Range(0, 10_000).Select(_ => RetryPolicy.Default.Backoff(retry, random) / bound);

        Uniformity.Statistic(draws).ShouldBeLessThan(1.95);
    }

    [Fact]
    public void Backoff_AnyBaseAndRetry_StaysWithinTheFormula() => Prop.ForAll(
        (from milliseconds in Gen.Choose(0, 60_000) from retry in Gen.Choose(1, 40) from luck in Gen.Choose(0, 1000) select (milliseconds, retry, luck)).ToArbitrary(),
        drawn =>
        {
            var policy = new RetryPolicy(new RetryConfig { Backoff = TimeSpan.FromMilliseconds(drawn.milliseconds) });
            var bound = Math.Min(10.0 * drawn.milliseconds, drawn.milliseconds * Math.Pow(2, drawn.retry - 1));

            policy.Backoff(drawn.retry, new Luck(drawn.luck / 1000.0)).TotalMilliseconds.ShouldBe(bound * drawn.luck / 1000.0, 0.001);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Label_WhateverTheCode_ComesFromAFixedSet()
    {
        RetryPolicy.Label(RetryCause.Undelivered).ShouldBe("undelivered");
        RetryPolicy.Label(RetryCause.Reset).ShouldBe("reset");
        RetryPolicy.Label(RetryCause.AttemptTimeout).ShouldBe("attempt_timeout");
        RetryPolicy.Label(RetryCause.Status(503)).ShouldBe("503");
        RetryPolicy.Label(RetryCause.Status(599)).ShouldBe("599");
        RetryPolicy.Label(RetryCause.GrpcStatus(14)).ShouldBe("grpc_14");
        RetryPolicy.Label(RetryCause.GrpcStatus(0)).ShouldBe("grpc_0");
        foreach (var cause in new[] { RetryCause.Status(99), RetryCause.Status(600), RetryCause.GrpcStatus(17), RetryCause.GrpcStatus(-1), RetryCause.GrpcStatus(int.MaxValue) })
        {
            RetryPolicy.Label(cause).ShouldBe("_other");
        }
    }

    [Fact]
    public void MayResend_OnTheAttemptPath_AllocatesNothing() => Allocations.Of(() =>
    {
        RetryPolicy.Default.MayResend("POST", true, true, RetryCause.Status(503));
        RetryPolicy.Label(RetryCause.Status(503));
    }).ShouldBe(0);
}
