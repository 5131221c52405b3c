using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>Limits on what is under way and what may begin, in both directions (design.md §3, Overload).</summary>
public sealed class OverloadTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    [Fact]
    public async Task Requests_MoreThanThePlaces_AreRefusedAtOnceAndLetInLater()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { Concurrency = new ConcurrencyConfig { MaxRequests = 2 } };
        service.Answer = (_, _) => hold.Task;
        await service.PublishAsync();
        Task<Reply>[] held = [service.SendAsync(), service.SendAsync()];
        await Eventually.TrueAsync(() => service.Arrivals.Count == 2, "two under way");

        var refused = await service.SendAsync();

        refused.Status.ShouldBe(503);
        refused.Error.ShouldBe("overloaded");
        refused.Header("Retry-After").ShouldBe("1");
        service.Arrivals.Count.ShouldBe(2);
        (await service.MetricAsync("meshlite_requests_in_flight")).ShouldBe(2);
        hold.SetResult();
        (await Task.WhenAll(held)).ShouldAllBe(reply => reply.Status == 200);
        await Eventually.TrueAsync(async () => await service.MetricAsync("meshlite_requests_in_flight") == 0, "the places are free");
        (await service.SendAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Requests_WithAQueue_WaitTheirTurnOrTheirTime()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { Concurrency = new ConcurrencyConfig { MaxRequests = 1, MaxQueued = 1, QueueTimeout = TimeSpan.FromSeconds(2) } };
        service.Answer = (_, _) => hold.Task;
        await service.PublishAsync();
        var first = service.SendAsync();
        await Eventually.TrueAsync(() => service.Arrivals.Count == 1, "one under way");
        var second = service.SendAsync();
        await service.QueuedAsync(1);

        // No room in the queue either.
        (await service.SendAsync()).Error.ShouldBe("overloaded");

        // Its time is up.
        (await second).Error.ShouldBe("overloaded");
        service.Arrivals.Count.ShouldBe(1);

        // Its turn comes.
        var third = service.SendAsync();
        hold.SetResult();
        (await first).Status.ShouldBe(200);
        (await third).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("deadline")]
    [InlineData("leaves")]
    public async Task Request_WaitingInTheQueue_EndsWithItsTimeOrItsCaller(string how)
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { Concurrency = new ConcurrencyConfig { MaxRequests = 1, MaxQueued = 5, QueueTimeout = TimeSpan.FromMinutes(1) } };
        service.Answer = (_, _) => hold.Task;
        await service.PublishAsync();
        var first = service.SendAsync();
        await Eventually.TrueAsync(() => service.Arrivals.Count == 1, "one under way");

        if (how == "deadline")
        {
            var late = await service.SendAsync("GET", "/", null, ("meshlite-timeout", "200m"));
            late.Status.ShouldBe(504);
            late.Error.ShouldBe("request_timeout");
        }
        else
        {
            using var leave = new CancellationTokenSource();
            var waiting = service.SendAsync("GET", "/", null, leave.Token);
            await service.QueuedAsync(1);
            await leave.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        }

        var line = (await service.LinesAsync(1)).ShouldHaveSingleItem();
        line.GetProperty("status").GetInt32().ShouldBe(how == "deadline" ? 504 : 0);
        line.GetProperty("attempts").GetInt32().ShouldBe(0);
        service.Arrivals.Count.ShouldBe(1);
        hold.SetResult();
        (await first).Status.ShouldBe(200);
        await Eventually.TrueAsync(async () => (await service.SendAsync()).Status == 200, "nobody else's place was taken");
    }

    [Fact]
    public async Task Destination_Hangs_AnotherIsNotDelayed()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hung = mesh.Service();
        hung.Answer = (_, _) => hold.Task;
        var other = mesh.Service();
        await hung.PublishAsync();
        await other.PublishAsync();
        var held = Enumerable.Range(0, 300).Select(_ => hung.SendAsync()).ToArray();
        await Eventually.TrueAsync(() => hung.Arrivals.Count == 300, "300 that hang", TimeSpan.FromSeconds(30));

        for (var i = 0; i < 20; i++)
        {
            (await other.SendAsync().WaitAsync(TimeSpan.FromSeconds(10))).Status.ShouldBe(200);
        }

        held.ShouldAllBe(task => !task.IsCompleted);
        hold.SetResult();
        (await Task.WhenAll(held)).ShouldAllBe(reply => reply.Status == 200);
    }

    [Fact]
    public async Task Outbound_FasterThanTheRate_Is429WithRetryAfter()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { RateLimit = new RateLimitConfig(1, 3) };
        await service.PublishAsync();

        var replies = new List<Reply>();
        for (var i = 0; i < 10; i++)
        {
            replies.Add(await service.SendAsync());
        }

        replies.Take(3).ShouldAllBe(reply => reply.Status == 200);
        var refused = replies.First(reply => reply.Status != 200);
        refused.Status.ShouldBe(429);
        refused.Error.ShouldBe("rate_limited");
        refused.Header("Retry-After").ShouldBe("1");
        service.Arrivals.Count.ShouldBe(replies.Count(reply => reply.Status == 200));
        await Eventually.TrueAsync(async () => (await service.SendAsync()).Status == 200, "another second, another request");
    }

    /// <summary>Each caller has its own, by the identity its certificate shows.</summary>
    [Fact]
    public async Task Inbound_FasterThanTheCallersRate_Is429ForThatCaller()
    {
        await using var own = await MeshFixture.StartAsync();
        own.ControlPlane.Workload = workload => workload with
        {
            RateLimits = [new CallerRateLimitConfig(["*/sa/greedy"], new RateLimitConfig(1, 2))],
        };
        await using var app = await HttpApp.StartAsync("orders");
        var server = await own.SidecarAsync("orders", app.Port);
        var greedy = await own.SidecarAsync("greedy");
        var modest = await own.SidecarAsync("modest");
        own.Service("orders", server);
        using var fast = MeshFixture.Client(greedy);
        using var other = MeshFixture.Client(modest);

        var statuses = new List<(int Status, string? Error, string? RetryAfter)>();
        for (var i = 0; i < 8; i++)
        {
            using var response = await fast.GetAsync(new Uri("http://orders/"));
            var reply = await Reply.OfAsync(response, CancellationToken.None);
            statuses.Add((reply.Status, reply.Error, reply.Header("Retry-After")));
            (await other.GetStringAsync(new Uri("http://orders/"))).ShouldBe("");
        }

        statuses.Take(2).ShouldAllBe(s => s.Status == 200);
        statuses.ShouldContain((429, "rate_limited", "1"));
        app.Received.Count.ShouldBe(8 + statuses.Count(s => s.Status == 200), "a 429 is not sent again, and costs the application nothing");
    }

    /// <summary>A pod that is full has not seen the request: another takes it, whatever its method.</summary>
    [Fact]
    public async Task Inbound_PodIsFull_RequestGoesToAnother()
    {
        await using var own = await MeshFixture.StartAsync();
        own.ControlPlane.Workload = workload => workload with { MaxRequests = 1 };
        own.Policy = TestService.InTurn;
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var busy = await HttpApp.StartAsync("busy", context => hold.Task);
        await using var free = await HttpApp.StartAsync("free");
        var busySidecar = await own.SidecarAsync("orders", busy.Port);
        var freeSidecar = await own.SidecarAsync("orders", free.Port);
        var client = await own.SidecarAsync("frontend");
        using var http = MeshFixture.Client(client);
        own.Service("only", busySidecar);
        own.Service("orders", busySidecar, freeSidecar);
        var held = http.GetAsync(new Uri("http://only/"));
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(busySidecar)).Sum("meshlite_requests_in_flight", ("direction", "inbound")) == 1, "the pod is full");

        using var refused = await http.PostAsync(new Uri("http://only/"), new StringContent("x"));
        ((int)refused.StatusCode).ShouldBe(503);
        refused.Headers.GetValues("meshlite-error").ShouldBe(["overloaded"]);
        for (var i = 0; i < 6; i++)
        {
            using var response = await http.PostAsync(new Uri("http://orders/"), new StringContent("x"));
            ((int)response.StatusCode).ShouldBe(200, await response.Content.ReadAsStringAsync());
        }

        free.Received.Count.ShouldBe(6);
        hold.SetResult();
        using var first = await held;
        ((int)first.StatusCode).ShouldBe(200);
    }
}
