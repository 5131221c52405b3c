using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Sockets;

/// <summary>The process's own, with many sockets at once.</summary>
public sealed class SocketPollerTests
{
    private static readonly TimeSpan Patience = Ends.Patience;

    [Fact]
    public async Task ManySockets_AllAtOnce_EachGetsItsOwn()
    {
        const int Pairs = 200;
        const int Messages = 40;
        await WithPairsAsync(Pairs, async pairs => await Task.WhenAll(pairs.Select((ends, i) => Task.WhenAll(
            Task.Run(() => EchoAsync(ends.Server)),
            Task.Run(async () =>
            {
                for (var message = 0; message < Messages; message++)
                {
                    var bytes = Bytes.Random(1 + (message * 13 % 200), seed: (i * Messages) + message);
                    await ends.Client.SendAsync(bytes);
                    (await ends.Client.ReceiveExactlyAsync(bytes.Length)).ShouldBe(bytes);
                }

                ends.Client.Shutdown(SocketShutdown.Send);
                (await ends.Client.ReceiveAsync(new byte[1])).ShouldBe(0);
            })))));
    }

    /// <summary>At rest all wait in the kernel: the first word of a sleeping process wakes it, each time.</summary>
    [Fact]
    public async Task AtRest_ThenOneMessage_IsTold_TimeAndAgain()
    {
        using var ends = await Ends.CreateAsync();
        for (var i = 0; i < 2_000; i++)
        {
            var receiving = ends.Server.ReceiveExactlyAsync(1);
            await ends.Client.SendAsync([(byte)i]);
            (await receiving)[0].ShouldBe((byte)i);
        }
    }

    /// <summary>While descriptors of ever higher numbers are added by several threads, those of lower ones go on being told.</summary>
    [Fact]
    public async Task MoreDescriptorsThanThereWereBefore_OldAndNewAreTold()
    {
        using var old = await Ends.CreateAsync();
        using var over = new CancellationTokenSource();
        var traffic = Task.Run(async () =>
        {
            var messages = 0;
            for (; !over.IsCancellationRequested; messages++)
            {
                await old.Client.SendAsync([(byte)messages]);
                (await old.Server.ReceiveExactlyAsync(1))[0].ShouldBe((byte)messages);
            }

            return messages;
        });

        await WithPairsAsync(500, async pairs =>
        {
            pairs.Max(ends => (int)ends.Client.Socket.Handle).ShouldBeGreaterThan(1_000, "more than the table began with");
            await Task.WhenAll(pairs.Select(async (ends, i) =>
            {
                ends.Server.TryReceive(new byte[1], out _).ShouldBeFalse();
                var receiving = ends.Server.ReceiveExactlyAsync(2);
                await ends.Client.SendAsync([(byte)i, (byte)(i >> 8)]);
                (await receiving).ShouldBe([(byte)i, (byte)(i >> 8)]);
            }));
        });

        await over.CancelAsync();
        (await traffic.WaitAsync(Patience)).ShouldBeGreaterThan(0);
    }

    /// <summary>Whoever goes on does so on the poller's thread, one after another; one that blocks there does not keep what comes for others.</summary>
    [Fact]
    public async Task OneWhoGoesOnBlocks_OthersAreToldAllTheSame()
    {
        using var blocking = await Ends.CreateAsync();
        using var other = await Ends.CreateAsync();
        using var release = new ManualResetEventSlim();
        blocking.Server.TryReceive(new byte[1], out _).ShouldBeFalse();
        other.Server.TryReceive(new byte[1], out _).ShouldBeFalse();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var blocker = Task.Run(async () =>
        {
            await blocking.Server.WaitToReceiveAsync(CancellationToken.None);
            blocked.SetResult();
            release.Wait(2 * Patience).ShouldBeTrue();
        });
        await blocking.Client.SendAsync([1]);
        await blocked.Task.WaitAsync(Patience);

        await other.Client.SendAsync([2]);
        (await other.Server.ReceiveExactlyAsync(1))[0].ShouldBe((byte)2);
        release.Set();
        await blocker.WaitAsync(Patience);
    }

    private static async Task EchoAsync(TcpSocket socket)
    {
        var buffer = new byte[300];
        while (await socket.ReceiveAsync(buffer) is > 0 and var count)
        {
            await socket.SendAsync(buffer[..count]);
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task WithPairsAsync(int count, Func<Ends[], Task> body)
    {
        var pairs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            // Each with a listener of its own, so that the two ends are of one connection.
            using var own = Ends.Listen();
            var some = new List<Ends>();
            for (var i = 0; i < count / 4; i++)
            {
                some.Add(await Ends.CreateAsync(own));
            }

            return some;
        }))).WaitAsync(Patience);
        Ends[] all = [.. pairs.SelectMany(some => some)];
        try
        {
            await body(all).WaitAsync(Patience);
        }
        finally
        {
            Array.ForEach(all, ends => ends.Dispose());
        }
    }
}
