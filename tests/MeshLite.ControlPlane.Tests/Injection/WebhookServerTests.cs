using MeshLite.ControlPlane.Injection;
using MeshLite.Metrics;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Injection;

/// <summary>The places of one address, and who holds them for how long.</summary>
public sealed class WebhookServerTests : IDisposable
{
    private const int PlacesOfOne = 16;

    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;
    private readonly WebhookServer _server;

    public WebhookServerTests()
    {
        _registry = new MetricRegistry(_time);
        _server = new WebhookServer(ResourceAdmission.ReviewAsync, ResourceAdmission.ReviewAsync, new ControlPlaneMetrics(_registry), _time, NullLogger<WebhookServer>.Instance);
    }

    public void Dispose() => _registry.Dispose();

    /// <summary>Even where all came at once, and those who have to leave take their time.</summary>
    [Fact]
    public async Task Handle_BodiesThatDoNotCome_WhoWaitsOutlastsThem()
    {
        var ends = new TaskCompletionSource();
        var slow = Enumerable.Range(0, PlacesOfOne).Select(_ => HandleAsync(new NeverComes(ends.Task))).ToList();
        var waiting = HandleAsync(new MemoryStream("{}"u8.ToArray()));

        _time.Advance(TimeSpan.FromSeconds(5));
        waiting.IsCompleted.ShouldBeFalse();
        ends.SetResult();

        (await waiting).ShouldBe(StatusCodes.Status400BadRequest);
        (await Task.WhenAll(slow)).ShouldAllBe(status => status == StatusCodes.Status408RequestTimeout);
    }

    [Fact]
    public async Task Handle_NoPlaceComesFree_IsToldBeforeTheApiServerGivesUp()
    {
        var ends = new TaskCompletionSource();
        var slow = Enumerable.Range(0, PlacesOfOne).Select(_ => HandleAsync(new NeverComes(ends.Task))).ToList();
        var waiting = HandleAsync(new MemoryStream("{}"u8.ToArray()));

        _time.Advance(TimeSpan.FromSeconds(9));

        (await waiting).ShouldBe(StatusCodes.Status503ServiceUnavailable);
        ends.SetResult();
        await Task.WhenAll(slow);
    }

    [Fact]
    public async Task Handle_RefusalsThatNobodyReads_HoldNoPlace()
    {
        for (var i = 0; i < PlacesOfOne; i++)
        {
            _ = HandleAsync(new MemoryStream("{}"u8.ToArray()), new NeverTaken());
        }

        var next = HandleAsync(new MemoryStream("{}"u8.ToArray()));

        next.IsCompleted.ShouldBeTrue();
        (await next).ShouldBe(StatusCodes.Status400BadRequest);
    }

    private async Task<int> HandleAsync(Stream body, Stream? answer = null)
    {
        var context = new DefaultHttpContext();
        context.Request.Path = "/validate";
        context.Request.Method = HttpMethods.Post;
        context.Request.ContentType = "application/json";
        context.Request.Body = body;
        context.Response.Body = answer ?? Stream.Null;
        await _server.HandleAsync(context);
        return context.Response.StatusCode;
    }

    /// <summary>A body that does not come; told to end, it does so when it gets to it.</summary>
    private sealed class NeverComes(Task ends) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await ends;
            cancellationToken.ThrowIfCancellationRequested();
            return 0;
        }
    }

    /// <summary>An answer that its caller does not take.</summary>
    private sealed class NeverTaken : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => new(new TaskCompletionSource().Task);
    }
}
