using System.Net;
using System.Text;
using MeshLite.Sidecar.Http2.Hpack;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

/// <summary>
/// Against an HPACK that others wrote: Kestrel's. It answers with the fields it saw, as text; the fields it answers with are chosen by the request's path.
/// </summary>
public sealed class KestrelPeerTests : IAsyncLifetime
{
    // Fields that mean something to HTTP/2 or to Kestrel itself: an odd value is an error there, or another field comes instead.
    private static readonly string[] NotAtRandom =
        ["connection", "content-length", "cookie", "date", "host", "keep-alive", "proxy-connection", "server", "te", "trailer", "transfer-encoding", "upgrade", "alt-svc", "expect"];

    // Which Kestrel sends in no value.
    private static readonly string ControlCharacters = string.Concat(Enumerable.Range(0, 256).Select(c => (char)c).Where(char.IsControl));

    private WebApplication _host = null!;

    private int Port => new Uri(_host.Urls.Single()).Port;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestHeadersTotalSize = 128 * 1024;
            kestrel.Limits.Http2.MaxRequestHeaderFieldSize = 64 * 1024;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        _host = builder.Build();
        _host.Run(AnswerAsync);
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    /// <summary>With tables of each size a client may allow; Kestrel uses up to 4096 bytes.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task Decoder_ReadsWhatKestrelWrites(int tableSize)
    {
        using var client = await FrameClient.ConnectAsync(Port, tableSize);
        var decoder = new HpackDecoder(tableSize);
        var indexed = 0;
        for (var seed = 0; seed < 150; seed++)
        {
            var (blocks, _) = await client.AskAsync(Fields.Encoded(Request($"/fields/{seed}")));

            var head = Fields.Of(decoder, blocks[0]);
            indexed += IsReadByAnewDecoder(blocks[0]) ? 0 : 1;
            head[0].ShouldBe((":status", $"{Status(seed)}"));
            Names(head.Skip(1)).ShouldBe(Names([.. ResponseFields(seed), ("content-length", ""), ("date", ""), ("server", "")]));
            Without(head.Skip(1), "content-length", "date", "server").ShouldBe(Sorted(ResponseFields(seed)));
            head.ShouldContain(("server", "Kestrel"));
            head.Single(f => f.Name == "date").Value.ShouldEndWith(" GMT");

            blocks.Count.ShouldBe(2);
            Fields.Of(decoder, blocks[1]).ShouldBe([("grpc-status", "0"), ("x-seed", $"{seed}")]);
        }

        (decoder.Table.Count > 0).ShouldBe(tableSize > 0);
        (indexed > 20).ShouldBe(tableSize > 0, "Kestrel makes use of its table");

        static bool IsReadByAnewDecoder(byte[] block)
        {
            try
            {
                Fields.Of(new HpackDecoder(65536), block);
                return true;
            }
            catch (HpackException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Encoder_WritesWhatKestrelReads()
    {
        using var client = await FrameClient.ConnectAsync(Port, 4096);
        for (var seed = 0; seed < 150; seed++)
        {
            var fields = SomeFields(new Random(seed), "\r\n\0");

            (await EchoAsync(client, Fields.Encoded([.. Request($"/echo/{seed}"), .. fields]))).ShouldBe(Sorted(fields));
        }
    }

    /// <summary>A head of more than a frame.</summary>
    [Fact]
    public async Task Encoder_LongValue_IsReadByKestrel()
    {
        using var client = await FrameClient.ConnectAsync(Port, 4096);
        (string, string)[] fields = [("x-long", new string('v', 40_000)), ("x-short", "v")];
        (await EchoAsync(client, Fields.Encoded([.. Request("/echo/long"), .. fields]))).ShouldBe(fields);
    }

    /// <summary>The encoder the decoder is tested by: its Huffman code, its table.</summary>
    [Fact]
    public async Task ReferenceEncoder_WritesWhatKestrelReads()
    {
        using var client = await FrameClient.ConnectAsync(Port, 4096);
        var encoder = new ReferenceEncoder(new Random(1), 4096);
        var entries = 0;
        for (var seed = 0; seed < 150; seed++)
        {
            var fields = SomeFields(new Random(seed), "\r\n\0").Select(f => (f.Name.ToLowerInvariant(), f.Value)).ToList();

            (await EchoAsync(client, encoder.Encode([.. Request($"/echo/{seed}"), .. fields]))).ShouldBe(Sorted(fields));

            entries = Math.Max(entries, encoder.Table.Count);
        }

        entries.ShouldBeGreaterThan(20);
    }

    private static async Task<List<(string Name, string Value)>> EchoAsync(FrameClient client, byte[] block)
    {
        var (_, body) = await client.AskAsync(block);
        return Without(Encoding.Latin1.GetString(body).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(line => (line[..line.IndexOf('\n')], line[(line.IndexOf('\n') + 1)..])));
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var (path, response) = (context.Request.Path.Value!, context.Response);
        var body = new StringBuilder();
        if (path.StartsWith("/fields/", StringComparison.Ordinal))
        {
            var seed = int.Parse(path.AsSpan("/fields/".Length));
            response.StatusCode = Status(seed);
            foreach (var (name, value) in ResponseFields(seed))
            {
                response.Headers[name] = value;
            }

            response.AppendTrailer("grpc-status", "0");
            response.AppendTrailer("x-seed", $"{seed}");
            body.Append('b', seed);
        }
        else
        {
            $"{context.Request.Method} {context.Request.Scheme} {context.Request.Host}".ShouldBe("GET http example.test");
            foreach (var (name, values) in context.Request.Headers.Where(h => h.Key is not ("Host" or ":authority")))
            {
                foreach (var value in values)
                {
                    body.Append(name).Append('\n').Append(value).Append("\r\n");
                }
            }
        }

        response.ContentLength = body.Length;
        await response.Body.WriteAsync(Encoding.Latin1.GetBytes(body.ToString()));
    }

    private static (string Name, string Value)[] Request(string path) => [(":method", "GET"), (":scheme", "http"), (":authority", "example.test"), (":path", path)];

    private static int Status(int seed) => new[] { 200, 201, 302, 404, 500, 503, 599 }[seed % 7];

    private static List<(string Name, string Value)> ResponseFields(int seed) => SomeFields(new Random(seed / 2), ControlCharacters);

    // Each name once: Kestrel joins some. Pairs of requests have the same, and one is nearly always the same.
    private static List<(string Name, string Value)> SomeFields(Random random, string without) =>
    [
        .. RandomFields.Of(random, without)
            .Append((Name: "x-often", Value: $"{random.Next(3)}"))
            .Where(f => f.Name[0] != ':' && !NotAtRandom.Contains(f.Name.ToLowerInvariant()))
            .DistinctBy(f => f.Name.ToLowerInvariant()),
    ];

    private static string[] Names(IEnumerable<(string Name, string Value)> fields) => [.. fields.Select(f => f.Name.ToLowerInvariant()).Order(StringComparer.Ordinal)];

    private static List<(string Name, string Value)> Sorted(IEnumerable<(string Name, string Value)> fields) => Without(fields);

    // In lower case, by name.
    private static List<(string Name, string Value)> Without(IEnumerable<(string Name, string Value)> fields, params string[] names) =>
        [.. fields.Select(f => (f.Name.ToLowerInvariant(), f.Value)).Where(f => !names.Contains(f.Item1)).OrderBy(f => f.Item1, StringComparer.Ordinal)];
}
