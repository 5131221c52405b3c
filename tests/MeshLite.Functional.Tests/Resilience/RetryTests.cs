using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>What is sent again, and what never is (design.md §3, Retries).</summary>
public sealed class RetryTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    [Theory]
    [InlineData("GET", 503, null, 2, 200)]
    [InlineData("GET", 502, null, 2, 200)]
    [InlineData("GET", 504, null, 2, 200)]
    [InlineData("PUT", 503, null, 2, 200)]
    [InlineData("GET", 500, null, 1, 500)]
    [InlineData("GET", 429, null, 1, 429)]
    [InlineData("POST", 503, null, 1, 503)]
    [InlineData("PATCH", 503, null, 1, 503)]
    [InlineData("POST", 503, "key", 2, 200)]
    [InlineData("POST", 500, "key", 1, 500)]
    public async Task Request_FirstAnswerFails_IsSentToAnotherWhereThatIsSafe(string method, int status, string? key, int arrivals, int answer)
    {
        var service = mesh.Service();
        service.Answer = (_, context) => service.Arrivals.Count == 1 ? TestService.Status(context, status) : context.Response.WriteAsync("ok");
        await service.PublishAsync();

        var reply = await service.SendAsync(method, "/", method == "GET" ? null : "body", key is null ? [] : [("Idempotency-Key", key)]);

        reply.Status.ShouldBe(answer, reply.Body);
        service.Arrivals.Count.ShouldBe(arrivals);
        service.Arrivals.Select(a => a.Replica).Distinct().Count().ShouldBe(arrivals, "another endpoint");
        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("attempts").GetInt32().ShouldBe(arrivals);
        (await service.MetricAsync("meshlite_retries_total", ("reason", $"{status}"))).ShouldBe(arrivals - 1);
    }

    [Theory]
    [InlineData("GET", 500, 2)]
    [InlineData("POST", 500, 2)]
    [InlineData("PUT", 500, 1)]
    [InlineData("POST", 503, 1)]
    [InlineData("POST", 409, 2)]
    public async Task Request_RuleDeclaresCodesAndMethods_HoldsForThoseAlone(string method, int status, int arrivals)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Retry = new RetryConfig { Codes = [500, 409], Methods = ["GET", "POST"] } };
        service.Answer = (_, context) => service.Arrivals.Count == 1 ? TestService.Status(context, status) : Task.CompletedTask;
        await service.PublishAsync();

        var reply = await service.SendAsync(method);

        reply.Status.ShouldBe(arrivals == 1 ? status : 200);
        service.Arrivals.Count.ShouldBe(arrivals);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(4, 5)]
    public async Task Request_AlwaysFails_IsSentAsOftenAsTheRuleSaysAndTheLastAnswerPasses(int retries, int arrivals)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Retry = new RetryConfig { Attempts = retries, Backoff = TimeSpan.FromMilliseconds(1) } };
        service.Answer = (_, context) =>
        {
            context.Response.StatusCode = 503;
            return context.Response.WriteAsync($"no {service.Arrivals.Count}");
        };
        await service.PublishAsync();

        var reply = await service.SendAsync();

        reply.Status.ShouldBe(503);
        reply.Body.ShouldBe($"no {arrivals}");
        reply.Error.ShouldBeNull("the application's own");
        service.Arrivals.Count.ShouldBe(arrivals);
    }

    [Theory]
    [InlineData(14, false, null, 1)]
    [InlineData(14, false, "key", 2)]
    [InlineData(14, true, null, 2)]
    [InlineData(8, true, null, 2)]
    [InlineData(13, true, null, 1)]
    public async Task Call_FailsBeforeAnyMessage_IsSentAgainWhereDeclaredOrKeyed(int status, bool declared, string? key, int arrivals)
    {
        var service = mesh.Service();
        service.Protocols = HttpProtocols.Http2;
        service.Rule = TestService.Plain with { Retry = new RetryConfig { GrpcCodes = declared ? [8, 14] : [] } };
        service.Answer = (_, context) => TestService.GrpcStatus(context, service.Arrivals.Count == 1 ? status : 0);
        await service.PublishAsync();

        var reply = await service.CallAsync(key is null ? [] : [("idempotency-key", key)]);

        reply.Status.ShouldBe(200);
        reply.Header("grpc-status").ShouldBe(arrivals == 1 ? $"{status}" : "0");
        service.Arrivals.Count.ShouldBe(arrivals);
        (await service.MetricAsync("meshlite_retries_total", ("reason", $"grpc_{status}"))).ShouldBe(arrivals - 1);
    }

    [Theory]
    [InlineData("GET", 200)]
    [InlineData("POST", 502)]
    public async Task Request_ConnectionBreaksBeforeTheAnswer_IsSentAgainWhereThatIsSafe(string method, int answer)
    {
        var service = mesh.Service();
        await using var relay = new Relay((await mesh.ReplicasAsync(HttpProtocols.Http1))[0]);
        service.Endpoints = [relay.Endpoint];
        service.Answer = async (_, context) =>
        {
            if (service.Arrivals.Count == 2)
            {
                relay.Break();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }
        };
        await service.PublishAsync();
        await service.SendAsync(); // of a connection that ends before the server's first word nobody can tell what it delivered

        var reply = await service.SendAsync(method);

        reply.Status.ShouldBe(answer, reply.Body);
        reply.Error.ShouldBe(answer == 200 ? null : "protocol_error");
        service.Arrivals.Count.ShouldBe(answer == 200 ? 3 : 2);
        (await service.MetricAsync("meshlite_retries_total", ("reason", "reset"))).ShouldBe(answer == 200 ? 1 : 0);
    }

    [Fact]
    public async Task Request_AnswerBreaksOff_IsNotSentAgain()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Answer = async (_, context) =>
        {
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("half");
            await context.Response.Body.FlushAsync();
            await begun.Task;
            context.Abort();
        };
        await service.PublishAsync();

        using var response = await mesh.Http.GetAsync(new Uri($"http://{service.Name}/"), HttpCompletionOption.ResponseHeadersRead);
        begun.SetResult();
        await Should.ThrowAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());

        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("attempts").GetInt32().ShouldBe(1);
        service.Arrivals.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1000, 2)]
    [InlineData(64 * 1024, 2)]
    [InlineData(64 * 1024 + 1, 1)]
    [InlineData(1024 * 1024, 1)]
    public async Task Put_FirstAnswerFails_BodyIsSentAgainUpTo64KiB(int length, int arrivals)
    {
        var service = mesh.Service();
        service.Answer = (_, context) => service.Arrivals.Count == 1 ? TestService.Status(context, 503) : Task.CompletedTask;
        await service.PublishAsync();
        var body = new byte[length];
        new Random(length).NextBytes(body);

        var reply = await service.SendAsync("PUT", "/", new ByteArrayContent(body), CancellationToken.None);

        reply.Status.ShouldBe(arrivals == 2 ? 200 : 503);
        service.Arrivals.Count.ShouldBe(arrivals);
        service.Arrivals.ShouldAllBe(a => a.Body.SequenceEqual(body));
    }

    [Fact]
    public async Task Request_RetryAfterWithinTheDeadline_IsWaitedFor()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { RequestTimeout = TimeSpan.FromSeconds(30) };
        service.Answer = (_, context) =>
        {
            context.Response.Headers.RetryAfter = "1";
            return TestService.Status(context, service.Arrivals.Count == 1 ? 503 : 200);
        };
        await service.PublishAsync();
        var began = TimeProvider.System.GetTimestamp();

        (await service.SendAsync()).Status.ShouldBe(200);

        TimeProvider.System.GetElapsedTime(began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(5, "6")]
    [InlineData(0, "3600")]
    [InlineData(null, "61")]
    public async Task Request_RetryAfterBeyondTheDeadline_IsAnsweredAtOnce(int? deadline, string wait)
    {
        var service = mesh.Service();
        // Without a rule of its own a request has 60 s to its answer, and that is a deadline too. None, and there is nothing to wait in vain for.
        service.Rule = TestService.Plain with { RequestTimeout = deadline is { } seconds ? TimeSpan.FromSeconds(seconds) : null };
        service.Answer = (_, context) =>
        {
            context.Response.Headers.RetryAfter = wait;
            return TestService.Status(context, 503);
        };
        await service.PublishAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        if (deadline == 0)
        {
            var waiting = service.SendAsync("GET", "/", null, patience.Token);
            await Eventually.TrueAsync(() => service.Arrivals.Count == 1, "the first answer");
            waiting.IsCompleted.ShouldBeFalse("no deadline: it waits");
            await patience.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => waiting);
            return;
        }

        var reply = await service.SendAsync("GET", "/", null, patience.Token);

        reply.Status.ShouldBe(503);
        reply.Header("Retry-After").ShouldBe(wait);
        service.Arrivals.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Request_BudgetSpent_GetsTheFirstAnswerMarked()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { RetryBudget = new RetryBudgetConfig { Percent = 0, MinPerSecond = 0 } };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();

        var reply = await service.SendAsync();

        reply.Status.ShouldBe(503);
        reply.Header("meshlite-retry-budget").ShouldBe("spent");
        service.Arrivals.Count.ShouldBe(1);
        (await service.MetricAsync("meshlite_retries_withheld_total")).ShouldBe(1);
        (await service.MetricAsync("meshlite_retries_total")).ShouldBe(0);
    }

    [Fact]
    public async Task Request_BudgetSpentOnMeshFailure_GetsTheErrorMarked()
    {
        var service = mesh.Service();
        service.Endpoints = [(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"))];
        service.Policy = TestService.InTurn with { RetryBudget = new RetryBudgetConfig { Percent = 0, MinPerSecond = 0 } };
        await service.PublishAsync();

        var reply = await service.SendAsync("POST", "/", "body");

        reply.Status.ShouldBe(502);
        reply.Error.ShouldBe("connect_failure");
        reply.Header("meshlite-retry-budget").ShouldBe("spent");
        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("attempts").GetInt32().ShouldBe(1);
    }

    /// <summary>Whatever the rule says: 1.2 of what the callers send, and ten a second.</summary>
    [Fact]
    public async Task Load_EverythingFails_IsAtMostAFifthMoreAndTenASecond()
    {
        const int Requests = 600;
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { RetryBudget = new RetryBudgetConfig() };
        service.Rule = TestService.Plain with { Retry = new RetryConfig { Attempts = 10, Backoff = TimeSpan.FromMilliseconds(1) } };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();
        var began = TimeProvider.System.GetTimestamp();

        await Parallel.ForEachAsync(
            Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) => (await service.SendAsync()).Status.ShouldBe(503));

        var seconds = Math.Ceiling(TimeProvider.System.GetElapsedTime(began).TotalSeconds + 0.1);
        service.Arrivals.Count.ShouldBeLessThanOrEqualTo((int)((Requests * 1.2) + (10 * seconds)));
        service.Arrivals.Count.ShouldBeGreaterThan(Requests, "some were sent again");
    }
}
