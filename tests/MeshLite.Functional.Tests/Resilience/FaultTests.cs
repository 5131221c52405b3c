using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>Faults a rule makes on purpose.</summary>
public sealed class FaultTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    [Fact]
    public async Task Delay_Always_DelaysAndThenServes()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Fault = new FaultConfig { Delay = TimeSpan.FromMilliseconds(400), DelayPercent = 100 } };
        await service.PublishAsync();
        var began = TimeProvider.System.GetTimestamp();

        (await service.SendAsync()).Status.ShouldBe(200);

        TimeProvider.System.GetElapsedTime(began).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(399));
        service.Arrivals.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Delay_BeyondTheDeadline_EndsWithIt()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { RequestTimeout = TimeSpan.FromMilliseconds(200), Fault = new FaultConfig { Delay = TimeSpan.FromMinutes(1), DelayPercent = 100 } };
        await service.PublishAsync();

        var reply = await service.SendAsync();

        reply.Status.ShouldBe(504);
        reply.Error.ShouldBe("request_timeout");
        service.Arrivals.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(418)]
    [InlineData(503)]
    public async Task Abort_Always_AnswersWithTheStatusAndOpensNothing(int status)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Fault = new FaultConfig { AbortStatus = status, AbortPercent = 100 } };
        service.Policy = TestService.InTurn with { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1 } };
        await service.PublishAsync();

        for (var i = 0; i < 3; i++)
        {
            var reply = await service.SendAsync();
            reply.Status.ShouldBe(status);
            reply.Error.ShouldBe("fault_injected");
            reply.Header("Retry-After").ShouldBeNull();
        }

        service.Arrivals.ShouldBeEmpty();
        (await service.LinesAsync(3)).ShouldAllBe(line => line.GetProperty("reason").GetString() == "fault_injected");
    }

    [Theory]
    [InlineData(403, 7)]
    [InlineData(503, 14)]
    [InlineData(404, 12)]
    public async Task Abort_OfAGrpcCall_IsTheMatchingGrpcStatus(int status, int grpc)
    {
        var service = mesh.Service();
        service.Protocols = HttpProtocols.Http2;
        service.Rule = TestService.Plain with { Fault = new FaultConfig { AbortStatus = status, AbortPercent = 100 } };
        await service.PublishAsync();

        var reply = await service.CallAsync();

        reply.Status.ShouldBe(200);
        reply.Header("grpc-status").ShouldBe($"{grpc}");
        reply.Error.ShouldBe("fault_injected");
    }

    /// <summary>400 draws of 0.3: outside of 70 to 170 once in 10 million runs.</summary>
    [Fact]
    public async Task Abort_SomePercent_IsAboutThatShare()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Fault = new FaultConfig { AbortStatus = 500, AbortPercent = 30 } };
        await service.PublishAsync();
        var aborted = 0;

        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) =>
        {
            if ((await service.SendAsync()).Error == "fault_injected")
            {
                Interlocked.Increment(ref aborted);
            }
        });

        aborted.ShouldBeInRange(70, 170);
        service.Arrivals.Count.ShouldBe(400 - aborted);
    }
}
