using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Tests.Http2;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A server that answers the last bytes of a request before this side knows that they are out.</summary>
public sealed class LastBytesTests
{
    private readonly List<bool> _settled = [];

    [Theory]
    [InlineData(5)]
    [InlineData(Http1RequestHead.Chunked)]
    public async Task AnsweredWithinTheWrite_SettlesBehindIt(long length)
    {
        var transport = new CalledStream();
        var body = new Http1RequestBody(transport, length);
        body.TryLeave(_settled.Add).ShouldBeFalse("nothing is written");
        if (length < 0)
        {
            transport.Writing = () => body.TryLeave(_settled.Add).ShouldBeFalse("its end is missing");
            await body.WriteAsync("hello"u8.ToArray());
        }

        transport.Writing = () =>
        {
            body.TryLeave(_settled.Add).ShouldBeTrue();
            _settled.ShouldBeEmpty();
            body.IsWhole.ShouldBeFalse();
        };
        if (length < 0)
        {
            await body.EndAsync(CancellationToken.None);
        }
        else
        {
            await body.WriteAsync("hello"u8.ToArray());
        }

        _settled.ShouldBe([true]);
        body.IsWhole.ShouldBeTrue();
    }

    [Fact]
    public async Task AnsweredBehindTheWrite_SettlesAtOnce()
    {
        var body = new Http1RequestBody(new CalledStream(), 5);
        await body.WriteAsync("hello"u8.ToArray());
        body.TryLeave(_settled.Add).ShouldBeTrue();
        _settled.ShouldBe([true]);
    }

    [Fact]
    public async Task AnsweredWithinTheWrite_WhichFails_IsNotWhole()
    {
        var transport = new CalledStream();
        var body = new Http1RequestBody(transport, 5);
        transport.Writing = () =>
        {
            body.TryLeave(_settled.Add).ShouldBeTrue();
            throw new IOException("reset");
        };
        await Should.ThrowAsync<IOException>(async () => await body.WriteAsync("hello"u8.ToArray()));
        _settled.ShouldBe([false]);
    }

    /// <summary>What the server has to read first, nobody waits for.</summary>
    [Fact]
    public async Task AnsweredWithinTheWrite_WhichIsNotDone_IsNotWhole()
    {
        var transport = new CalledStream { Done = new TaskCompletionSource() };
        var body = new Http1RequestBody(transport, 5);
        transport.Writing = () => body.TryLeave(_settled.Add).ShouldBeTrue();
        var writing = body.WriteAsync("hello"u8.ToArray());
        _settled.ShouldBe([false]);
        body.TryLeave(_settled.Add).ShouldBeFalse();

        transport.Done.SetResult();
        await writing;
        _settled.ShouldBe([false]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnsweredAtOnce_NoConnectionIsClosed(bool declared)
    {
        using var server = new ScriptedServer();
        var answering = AnswerAsync(await server.IdleAsync(), declared);
        for (var i = 0; i < 500; i++)
        {
            var content = new WrittenContent(
                async (to, _) =>
                {
                    await Task.Yield();
                    await to.WriteAsync("hello"u8.ToArray());
                },
                declared ? 5 : null);
            using var response = await server.Post(content);
            await Eventually.TrueAsync(() => server.Unused > 0 || server.Handler.Idle == 1, "it is idle");
            server.Unused.ShouldBe(0);
        }

        server.Accepted.ShouldBe(1);
        server.Handler.Dispose();
        await answering.WaitAsync(ScriptedServer.Patience);
    }

    private static async Task AnswerAsync(ScriptedConnection connection, bool declared)
    {
        try
        {
            while (true)
            {
                await connection.ReadHeadAsync();
                await connection.ReadAsync(declared ? 5 : "5\r\nhello\r\n0\r\n\r\n".Length);
                await connection.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
            }
        }
        catch (IOException)
        {
            // The client has closed.
        }
    }

    /// <summary>Calls the test as it is written to.</summary>
    private sealed class CalledStream : WriteOnlyStream
    {
        public Action Writing { get; set; } = () => { };

        public TaskCompletionSource? Done { get; init; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writing();
            return Done is null ? ValueTask.CompletedTask : new ValueTask(Done.Task);
        }
    }
}
