using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>Copies of requests that nobody waits for.</summary>
public sealed class MirrorTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private const int Copies = 2;

    [Theory]
    [InlineData("GET", null)]
    [InlineData("POST", "a body")]
    public async Task Request_Mirrored_ArrivesAtBoth(string method, string? body)
    {
        var (service, mirror) = await MirroredAsync(100);

        var reply = await service.SendAsync(method, "/a/b?c=d", body, ("x-one", "1"));

        reply.Body.ShouldBe("from 0");
        await Eventually.TrueAsync(() => service.Arrivals.Count == 2, "the copy");
        var original = service.Arrivals.Single(a => a.Replica == 0);
        var copy = service.Arrivals.Single(a => a.Replica == Copies);
        (copy.Method, copy.Target, Encoding.UTF8.GetString(copy.Body)).ShouldBe((original.Method, original.Target, body ?? ""));
        copy.Headers["x-one"].ShouldBe("1");
        copy.Headers["Host"].ShouldBe(original.Headers["Host"]);
        await Eventually.TrueAsync(async () => await mirror.MetricAsync("meshlite_mirrored_requests_total", ("result", "sent")) == 1, "counted");
    }

    [Theory]
    [InlineData(64 * 1024, 1)]
    [InlineData(64 * 1024 + 1, 0)]
    [InlineData(1_000_000, 0)]
    public async Task Post_BodyOfSomeLength_IsMirroredUpTo64KiB(int length, int copies)
    {
        var (service, mirror) = await MirroredAsync(100);
        var body = new byte[length];
        new Random(length).NextBytes(body);

        (await service.SendAsync("POST", "/", new ByteArrayContent(body), CancellationToken.None)).Status.ShouldBe(200);

        await Eventually.TrueAsync(async () => await mirror.MetricAsync("meshlite_mirrored_requests_total", ("result", copies == 1 ? "sent" : "body_too_large")) == 1, "counted");
        service.At(0).ShouldBe(1);
        service.At(Copies).ShouldBe(copies);
        service.Arrivals.ShouldAllBe(a => a.Body.SequenceEqual(body));
    }

    [Theory]
    [InlineData("fails")]
    [InlineData("hangs")]
    [InlineData("breaks off")]
    public async Task Mirror_DoesNotWork_TouchesNothing(string how)
    {
        var (service, _) = await MirroredAsync(100);
        var answer = service.Answer;
        service.Answer = (arrival, context) =>
        {
            if (arrival.Replica != Copies)
            {
                return answer(arrival, context);
            }

            switch (how)
            {
                case "fails":
                    return TestService.Status(context, 500);
                case "hangs":
                    return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
                default:
                    context.Abort();
                    return Task.CompletedTask;
            }
        };

        for (var i = 0; i < 10; i++)
        {
            (await service.SendAsync("POST", "/", "body")).Body.ShouldBe("from 0");
        }

        await Eventually.TrueAsync(() => service.At(Copies) >= 10, "ten copies");
        service.At(0).ShouldBe(10, "nothing of the mirror's is sent again");
    }

    /// <summary>300 draws of 0.4: outside of 70 to 170 once in 10 million runs.</summary>
    [Fact]
    public async Task Requests_SomePercentMirrored_AreAboutThatShare()
    {
        var (service, mirror) = await MirroredAsync(40);

        await Parallel.ForEachAsync(Enumerable.Range(0, 300), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) => (await service.SendAsync()).Status.ShouldBe(200));

        await Eventually.TrueAsync(async () => await mirror.MetricAsync("meshlite_mirrored_requests_total") == service.At(Copies), "all copies have ended");
        service.At(0).ShouldBe(300);
        service.At(Copies).ShouldBeInRange(70, 170);
    }

    /// <summary>Of an upload nobody could take there is no copy, and no trace but a count.</summary>
    [Fact]
    public async Task Post_ReachesNobody_IsCountedAsNotMirrored()
    {
        var (service, mirror) = await MirroredAsync(100);
        service.Endpoints = [];
        await service.PublishAsync();

        (await service.SendAsync("POST", "/", "body")).Error.ShouldBe("no_healthy_endpoint");

        await Eventually.TrueAsync(async () => await mirror.MetricAsync("meshlite_mirrored_requests_total", ("result", "body_too_large")) == 1, "counted");
    }

    /// <summary>The service is replica 0, its mirror replica 2; the replicas know both by the service's name.</summary>
    private async Task<(TestService Service, TestService Mirror)> MirroredAsync(double percent)
    {
        var mirror = mesh.Service();
        mirror.First = Copies;
        mirror.Replicas = 1;
        await mirror.PublishAsync();
        var service = mesh.Service();
        service.Replicas = 1;
        service.Others = [mirror];
        service.Rule = TestService.Plain with { Mirrors = [new MirrorConfig(1, percent)] };
        service.Answer = (arrival, context) => context.Response.WriteAsync($"from {arrival.Replica}");
        return (await service.PublishAsync(), mirror);
    }
}
