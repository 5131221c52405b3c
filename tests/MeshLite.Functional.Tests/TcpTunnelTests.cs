using System.Security.Cryptography;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Raw TCP: CONNECT at the caller's sidecar, <c>meshlite-tcp/1</c> in mTLS between the two, TCP to the application.</summary>
public sealed class TcpTunnelTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Bytes_SentRightBehindTheHead_AreEchoed()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\nhello");
        (await caller.ReadMessageAsync(hasBody: false))!.Status.ShouldBe(200);

        Encoding.Latin1.GetString(await caller.ReadAsync(5)).ShouldBe("hello");
    }

    [Fact]
    public async Task Server_ThatSpeaksFirst_IsHeard()
    {
        await using var app = new TcpApp(async (socket, _) => await socket.SendAsync("220 ready\r\n"u8.ToArray()));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();

        (await caller.ReadLineAsync()).ShouldBe("220 ready");
        (await caller.EndsByFinAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Caller_ThatFinishes_StillReceives()
    {
        await using var app = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            var all = await wire.ReadToEndAsync();
            await wire.SendAsync($"got {all.Length}");
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();

        await caller.SendAsync(new byte[100_000]);
        caller.Finish();

        Encoding.Latin1.GetString(await caller.ReadToEndAsync()).ShouldBe("got 100000");
    }

    [Fact]
    public async Task Reset_ByTheApplication_IsAResetForTheCaller()
    {
        await using var app = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            if ((await wire.ReadAsync(1)).Length == 1)
            {
                wire.Reset();
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();

        await caller.SendAsync("x");

        (await caller.EndsByFinAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task Reset_ByTheCaller_IsAResetForTheApplication()
    {
        var ended = new TaskCompletionSource<bool>();
        await using var app = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            if ((await wire.ReadAsync(1)).Length == 1)
            {
                await wire.SendAsync("y");
                ended.SetResult(await wire.EndsByFinAsync());
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();
        await caller.SendAsync("x");
        (await caller.ReadAsync(1)).Length.ShouldBe(1);

        caller.Reset();

        (await ended.Task.WaitAsync(Patience)).ShouldBeFalse("half a stream must not look like a whole one");
    }

    [Fact]
    public async Task Megabytes_BothWaysAtOnce_ArriveWhole()
    {
        const int size = 64 * 1024 * 1024;
        var sent = RandomNumberGenerator.GetBytes(size);
        var back = RandomNumberGenerator.GetBytes(size);
        var received = new TaskCompletionSource<byte[]>();
        await using var app = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            var reading = wire.ReadToEndAsync();
            if (await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System)) == reading)
            {
                return; // a health check
            }

            await wire.SendAsync(back);
            wire.Finish();
            received.SetResult(SHA256.HashData(await reading));
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();

        var sending = caller.SendAsync(sent);
        var hash = SHA256.HashData(await caller.ReadToEndAsync());
        await sending;
        caller.Finish();

        hash.ShouldBe(SHA256.HashData(back));
        (await received.Task.WaitAsync(Patience)).ShouldBe(SHA256.HashData(sent));
    }

    [Fact]
    public async Task Destination_Unknown_IsRefusedWithReason()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("CONNECT nobody:80 HTTP/1.1\r\nHost: nobody:80\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(503);
        response.Value("meshlite-error").ShouldBe("destination_unknown");
    }

    /// <summary>The peer's FIN comes right behind its last bytes, which must still arrive (they were dropped once).</summary>
    [Fact]
    public async Task Application_ThatFinishes_StillReceives()
    {
        var got = new TaskCompletionSource<int>();
        await using var app = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            await wire.SendAsync("done");
            wire.Finish();
            var all = await wire.ReadToEndAsync();
            if (all.Length > 0)
            {
                got.TrySetResult(all.Length);
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();

        Encoding.Latin1.GetString(await caller.ReadToEndAsync()).ShouldBe("done");
        await caller.SendAsync(new byte[100_000]);
        caller.Finish();

        (await got.Task.WaitAsync(Patience)).ShouldBe(100_000);
    }
}
