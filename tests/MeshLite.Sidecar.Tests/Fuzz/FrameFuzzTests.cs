using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Http2.Hpack;
using MeshLite.Sidecar.Tests.Http2;
using MeshLite.TestKit;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.Sidecar.Tests.Fuzz;

/// <summary>What reads all that a peer says on an HTTP/2 connection.</summary>
public sealed class FrameFuzzTests
{
    private static readonly string[] Words =
    [
        "\0\0\0\x04\0\0\0\0\0", "\0\0\x08\x06\0\0\0\0\0", "\0\0\x01\x01\x05\0\0\0\x01\x20", "\0\0\x04\x03\0\0\0\0\x03", "\0\0\x04\x08\0\0\0\0\x05", "\0\0\x08\x07\0\0\0\0\0",
        "\0\0\x02\0\x01\0\0\0\x01", "\0\0\x01\x09\x04\0\0\0\x01", "\0\0\0\x01", "\0\0\0\x03", "\0\0\0\x05",
    ];

    private static readonly byte[] Upload = new byte[2_000];

    /// <summary>
    /// After the settings and four requests, one with a body: whatever comes then, and the connection's end with it, each request ends, with a response or with an exception that
    /// says what the peer did.
    /// </summary>
    [Fact]
    public void Http2Connection_AnyBytes_EndsEachRequest() => new Fuzzer("frames-of-peers", Words) { Iterations = 2_000, AllocationPerByte = 4_000, UsesThreadPool = true }.Run((byte[] input) =>
    {
        var transport = new Script();
        transport.Say(Frame.Settings((Http2Setting.InitialWindowSize, 1_000)));
        var unusable = 0;
        var connection = Done(Http2Connection.OpenAsync(transport, Http2Idling.Mesh, _ => unusable++, new ManualTimeProvider(), CancellationToken.None));
        var upload = new WrittenContent((to, cancellation) => to.WriteAsync(Upload, cancellation).AsTask(), Upload.Length);
        var responses = new List<Task<HttpResponseMessage>>();
        foreach (var (method, content) in new (string, HttpContent?)[] { ("GET", null), ("GET", null), ("HEAD", null), ("POST", upload) })
        {
            connection.TrySend(new HttpRequestMessage(new HttpMethod(method), "http://example.test/") { Content = content }, out var response, CancellationToken.None).ShouldBeTrue();
            responses.Add(response!);
        }

        transport.Say(input);
        transport.End();

        unusable.ShouldBe(1);
        connection.IsUsable.ShouldBeFalse();
        foreach (var response in responses)
        {
            Ended(response, r => Ended(r.Content.ReadAsByteArrayAsync(), bytes => bytes.Length.ShouldBeLessThanOrEqualTo(input.Length)));
        }
    });

    private static T Done<T>(Task<T> task)
    {
        task.IsCompleted.ShouldBeTrue("it hangs");
        return task.GetAwaiter().GetResult();
    }

    private static void Ended<T>(Task<T> task, Action<T> check)
    {
        T result;
        try
        {
            result = Done(task);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            for (var cause = (Exception?)e; cause is not null; cause = cause.InnerException)
            {
                if (cause is not (HttpRequestException or IOException or HpackException or HttpProtocolException or ObjectDisposedException))
                {
                    throw new InvalidOperationException("not what a peer may bring about", cause);
                }
            }

            return;
        }

        check(result);
    }

    /// <summary>Brings bytes as they are said, to the reader who waits, on the thread that says them. What is written to it is lost.</summary>
    private sealed class Script : Stream
    {
        private readonly Lock _lock = new();
        private byte[] _said = [];
        private int _at;
        private bool _ended;
        private TaskCompletionSource? _more;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Say(byte[] bytes)
        {
            lock (_lock)
            {
                _said = [.. _said.AsSpan(_at), .. bytes];
                _at = 0;
            }

            Interlocked.Exchange(ref _more, null)?.SetResult();
        }

        public void End()
        {
            lock (_lock)
            {
                _ended = true;
            }

            Interlocked.Exchange(ref _more, null)?.SetResult();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                Task more;
                lock (_lock)
                {
                    var read = Math.Min(buffer.Length, _said.Length - _at);
                    if (read > 0 || _ended || (buffer.IsEmpty && _said.Length > _at))
                    {
                        _said.AsSpan(_at, read).CopyTo(buffer.Span);
                        _at += read;
                        return read;
                    }

                    more = (_more = new TaskCompletionSource()).Task;
                }

                await more;
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
