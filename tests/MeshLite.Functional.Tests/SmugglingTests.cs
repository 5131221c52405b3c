using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>
/// <c>smuggling/requests.txt</c>: each request, sent as it stands to either port, reaches the application as one
/// well-formed request of the same meaning, or not at all.
/// </summary>
public sealed partial class SmugglingTests : IClassFixture<SmugglingTests.World>
{
    private readonly World _world;

    public SmugglingTests(World world) => _world = world;

    public static TheoryData<string> Names => [.. Cases().Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public Task Outbound_Request_IsForwardedWithOneMeaningOrRefused(string name) =>
        RunAsync(_world.Pair.Client.OutboundAddress, Cases()[name].Outbound, Cases()[name].Bytes);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Inbound_Request_IsForwardedWithOneMeaningOrRefused(string name) =>
        RunAsync(_world.Pair.Server.InboundAddress, Cases()[name].Inbound, Cases()[name].Bytes);

    private async Task RunAsync(IPEndPoint port, string expected, byte[] bytes)
    {
        await _world.QuietAsync();
        using var wire = await Wire.OpenAsync(port);
        await wire.SendAsync(bytes);

        if (expected == "tcp")
        {
            wire.Finish();
        }

        // One answer for each request expected, then FIN; what else was in the bytes is answered or refused before the end.
        var statuses = new List<int>();
        try
        {
            for (var i = 0; i < Math.Max(1, expected.Split(", ").Length) && await wire.ReadMessageAsync() is { } response; i++)
            {
                statuses.Add(response.Status);
            }

            if (expected != "tcp")
            {
                wire.Finish();
            }

            while (await wire.ReadMessageAsync() is { } response)
            {
                statuses.Add(response.Status);
            }
        }
        catch (SocketException)
        {
            // Reset: what came before it stands.
        }

        await _world.IdleAsync();
        var received = _world.App.Received;
        switch (expected.Split(' '))
        {
            case ["tcp"]:
                received.ShouldBe(bytes);
                break;
            case ["closed"]:
                statuses.ShouldBeEmpty();
                received.ShouldBeEmpty();
                break;
            case ["refused", var status]:
                statuses.ShouldBe([int.Parse(status)], customMessage: Encoding.Latin1.GetString(received));
                // Of a body that turns out bad on the way, the application may have the beginning, never the end.
                ShouldNotBeWhole(received);
                break;
            default:
                StrictHttp.Requests(received).ShouldBe(expected.Split(", ").ToList(), customMessage: Encoding.Latin1.GetString(received));
                statuses.ShouldBe(statuses.Select(_ => 200));
                break;
        }
    }

    private static void ShouldNotBeWhole(byte[] received)
    {
        if (received.Length > 0)
        {
            Should.Throw<FormatException>(() => StrictHttp.Requests(received), Encoding.Latin1.GetString(received));
        }
    }

    private static Dictionary<string, Case> Cases()
    {
        var cases = new Dictionary<string, Case>();
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "smuggling", "requests.txt"));
        foreach (var block in text.Split("\n== ").Skip(1))
        {
            var lines = block.Split('\n');
            cases.Add(lines[0], new Case(
                lines[1]["outbound: ".Length..],
                lines[2]["inbound: ".Length..],
                Encoding.Latin1.GetBytes(Escape().Replace(string.Concat(lines.Skip(3)), Unescape))));
        }

        return cases;
    }

    private static string Unescape(Match escape) => escape.Value[1] switch
    {
        'r' => "\r",
        'n' => "\n",
        't' => "\t",
        '0' => "\0",
        _ => ((char)byte.Parse(escape.ValueSpan[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString(),
    };

    [GeneratedRegex(@"\\([rnt0]|x[0-9a-fA-F]{2})")]
    private static partial Regex Escape();

    private sealed record Case(string Outbound, string Inbound, byte[] Bytes);

    /// <summary>One mesh for all cases: none may leave anything behind for the next.</summary>
    public sealed class World : IAsyncLifetime
    {
        internal RecordingApp App { get; } = new();

        internal MeshPair Pair { get; private set; } = null!;

        /// <summary>Until nothing is under way any more, whatever became of it.</summary>
        internal async Task IdleAsync()
        {
            await Pair.IdleInFlightAsync();
            for (var quiet = 0; quiet < 3; quiet++)
            {
                var before = (await Scrape.OfAsync(Pair.Server)).Sum("meshlite_requests_total") + App.Received.Length;
                await Task.Delay(5);
                quiet = (await Scrape.OfAsync(Pair.Server)).Sum("meshlite_requests_total") + App.Received.Length == before && App.IsBetweenRequests ? quiet : -1;
            }
        }

        /// <summary>The same, and forgotten.</summary>
        internal async Task QuietAsync()
        {
            await IdleAsync();
            App.Clear();
        }

        public async ValueTask InitializeAsync() => Pair = await MeshPair.StartAsync(App.Port);

        public async ValueTask DisposeAsync()
        {
            await Pair.DisposeAsync();
            await App.DisposeAsync();
        }
    }

    /// <summary>Keeps every byte it gets and answers each request that is whole.</summary>
    internal sealed class RecordingApp : IAsyncDisposable
    {
        private readonly TcpApp _app;
        private readonly ConcurrentDictionary<Socket, MemoryStream> _connections = new();
        private readonly ConcurrentDictionary<Socket, bool> _open = new();

        public RecordingApp() => _app = new TcpApp(async (socket, cancellation) =>
        {
            var buffer = new byte[64 * 1024];
            int read;
            _open[socket] = true;
            using var closed = new Closing(() => _open.TryRemove(socket, out _));
            while ((read = await socket.ReceiveAsync(buffer, cancellation)) > 0)
            {
                var received = _connections.GetOrAdd(socket, _ => new MemoryStream());
                int answers;
                lock (received)
                {
                    answers = -Whole(received);
                    received.Write(buffer, 0, read);
                    answers += Whole(received);
                }

                for (; answers > 0; answers--)
                {
                    await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray(), cancellation);
                }
            }
        });

        public int Port => _app.Port;

        /// <summary>Since the last <see cref="Clear"/>, one connection after the other.</summary>
        public byte[] Received => [.. _connections.Values.SelectMany(received =>
        {
            lock (received)
            {
                return received.ToArray();
            }
        })];

        /// <summary>Whether every connection open now has had whole requests only, or none.</summary>
        public bool IsBetweenRequests => _connections.All(connection =>
        {
            lock (connection.Value)
            {
                return connection.Value.Length == 0 || !_open.ContainsKey(connection.Key) || Whole(connection.Value) > 0;
            }
        });

        public void Clear()
        {
            foreach (var received in _connections.Values)
            {
                lock (received)
                {
                    received.SetLength(0);
                }
            }
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();

        private sealed class Closing(Action action) : IDisposable
        {
            public void Dispose() => action();
        }

        private static int Whole(MemoryStream received)
        {
            try
            {
                return StrictHttp.Requests(received.ToArray()).Count;
            }
            catch (FormatException)
            {
                return 0;
            }
        }
    }
}
