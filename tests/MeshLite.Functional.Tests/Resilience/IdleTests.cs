using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>How long nothing may move, by the service's policy.</summary>
public sealed class IdleTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task Response_NothingMoves_IsBrokenOff()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { IdleTimeout = Idle };
        service.Answer = async (_, context) =>
        {
            await context.Response.WriteAsync("half");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        };
        await service.PublishAsync();

        await Should.ThrowAsync<HttpRequestException>(() => service.SendAsync());

        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("reason").GetString().ShouldBe("request_timeout");
    }

    /// <summary>Twice as long as may be idle, never idle so long.</summary>
    [Fact]
    public async Task Response_SomethingMoves_Passes()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { IdleTimeout = TimeSpan.FromSeconds(2) };
        service.Answer = async (_, context) =>
        {
            for (var i = 0; i < 8; i++)
            {
                await context.Response.WriteAsync("x");
                await context.Response.Body.FlushAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
            }
        };
        await service.PublishAsync();

        (await service.SendAsync()).Body.ShouldBe("xxxxxxxx");
    }

    [Fact]
    public async Task Response_NeverIdleTooLong_WaitsWithoutBound()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { IdleTimeout = TimeSpan.Zero };
        service.Answer = async (_, context) =>
        {
            await context.Response.WriteAsync("half");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Idle * 2, TimeProvider.System);
            await context.Response.WriteAsync(" whole");
        };
        await service.PublishAsync();

        (await service.SendAsync()).Body.ShouldBe("half whole");
    }
}
