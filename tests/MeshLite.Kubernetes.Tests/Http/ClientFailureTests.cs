using System.Net;
using MeshLite.Kubernetes.Connection;
using MeshLite.TestKit;

namespace MeshLite.Kubernetes.Tests.Http;

/// <summary>What callers get when no answer comes.</summary>
public class ClientFailureTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task Get_NoAnswer_TimeoutAfterTheLimit()
    {
        var start = _time.GetUtcNow();
        DateTimeOffset? given = null;
        using var client = Client(async (_, cancellation) =>
        {
            using var up = cancellation.Register(() => given = _time.GetUtcNow());
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellation);
            throw new InvalidOperationException("not reached");
        });
        var getting = client.GetAsync(ResourceTypes.Leases, new ObjectKey("a", "b"));

        _time.Advance(TimeSpan.FromMinutes(5));

        given.ShouldBe(start.AddSeconds(30));
        (await Should.ThrowAsync<TimeoutException>(getting)).Message.ShouldBe("cannot get leases.coordination.k8s.io a/b: no answer within 30 s");
    }

    [Fact]
    public async Task Get_CallerCancels_IsTheCallersOwn()
    {
        using var cancellation = new CancellationTokenSource();
        using var client = Client((_, token) => Task.FromCanceled<HttpResponseMessage>(token.IsCancellationRequested ? token : new CancellationToken(true)));
        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(client.GetAsync(ResourceTypes.Leases, new ObjectKey("a", "b"), cancellation.Token));
    }

    [Fact]
    public async Task Get_ConnectionBreaks_SaysWhatWasAttempted()
    {
        using var client = Client((_, _) => throw new HttpRequestException("Connection refused"));

        (await Should.ThrowAsync<HttpRequestException>(client.GetAsync(ResourceTypes.Leases, new ObjectKey("a", "b")))).Message.ShouldBe("cannot get leases.coordination.k8s.io a/b: Connection refused");
    }

    [Fact]
    public async Task Watch_ServerForgetsToEndIt_TimeoutTenSecondsLate()
    {
        var start = _time.GetUtcNow();
        var silence = new SilentStream(_time);
        using var client = Client((_, _) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(silence) }));
        await using var events = client.WatchAsync(ResourceTypes.Leases, null, "1", TimeSpan.FromSeconds(60)).GetAsyncEnumerator();
        var next = events.MoveNextAsync().AsTask();

        _time.Advance(TimeSpan.FromMinutes(5));

        silence.GivenUp.ShouldBe(start.AddSeconds(70));
        await Should.ThrowAsync<TimeoutException>(next);
    }

    private KubernetesClient Client(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) =>
        new(new ClusterConnection { Server = new Uri("https://nowhere") }, new KubernetesClientOptions(), _time, new Handler(answer));

    private sealed class Handler(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => answer(request, cancellationToken);
    }

    /// <summary>Never has anything to read.</summary>
    private sealed class SilentStream(TimeProvider time) : Stream
    {
        /// <summary>When the reader cancelled.</summary>
        public DateTimeOffset? GivenUp { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var up = cancellationToken.Register(() => GivenUp = time.GetUtcNow());
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
            return 0;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
