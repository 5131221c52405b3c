using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using MeshLite.Kubernetes.Http;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Tests.Http;

public class WatchReaderTests
{
    private const string Added = """{"type":"ADDED","object":{"kind":"ConfigMap","metadata":{"name":"a","namespace":"shop","resourceVersion":"7"},"data":{"x":"1"}}}""";

    private static readonly ApiCall Call = new("watch", ResourceTypes.ConfigMaps, "shop", null) { PathAndQuery = "" };

    [Fact]
    public async Task Read_LinesCutAnywhere_SameEvents()
    {
        var bytes = Encoding.UTF8.GetBytes($"{Added}\n{Added.Replace("ADDED", "MODIFIED", StringComparison.Ordinal)}\n");
        for (var size = 1; size < bytes.Length; size += 3)
        {
            var pipe = new Pipe();
            var writing = Task.Run(async () =>
            {
                for (var at = 0; at < bytes.Length; at += size)
                {
                    await pipe.Writer.WriteAsync(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
                }

                await pipe.Writer.CompleteAsync();
            });

            (await ReadAsync(pipe.Reader.AsStream())).Select(e => (e.Type, e.Object!.Metadata.Name)).ShouldBe([(WatchEventType.Added, "a"), (WatchEventType.Modified, "a")]);
            await writing;
        }
    }

    [Fact]
    public async Task Read_ObjectBeforeType_IsReadAllTheSame()
    {
        var line = """{"object":{"metadata":{"name":"a","resourceVersion":"7"},"data":{"x":"1"}},"other":[1],"type":"DELETED"}""";

        var read = (await ReadAsync(line + "\n")).ShouldHaveSingleItem();

        read.Type.ShouldBe(WatchEventType.Deleted);
        read.Object!.Data["x"].ShouldBe("1");
        read.ResourceVersion.ShouldBe("7");
    }

    [Fact]
    public async Task Read_Bookmark_HasAVersionAndNoObject()
    {
        var read = (await ReadAsync("""{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"9","creationTimestamp":null}}}""" + "\n")).ShouldHaveSingleItem();

        read.ShouldBe(new WatchEvent<ConfigMap>(WatchEventType.Bookmark, null, "9"));
    }

    [Fact]
    public async Task Read_Error_IsThrownAsItsReason()
    {
        var error = await Should.ThrowAsync<KubernetesException>(ReadAsync("""{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}}""" + "\n"));

        error.Reason.ShouldBe(KubernetesReason.Expired);
        error.Message.ShouldBe("cannot watch configmaps in shop: too old (410)");
    }

    [Fact]
    public async Task Read_BreaksOffWithinALine_IsABrokenConnection() => await Should.ThrowAsync<IOException>(ReadAsync($"{Added}\n{Added[..50]}"));

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""{"type":"ADDED","object":null}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"a"}}}""")]
    [InlineData("""{"type":"WHAT","object":{"metadata":{"name":"a","resourceVersion":"1"}}}""")]
    [InlineData("nonsense")]
    public async Task Read_Nonsense_IsAJsonException(string line) => await Should.ThrowAsync<JsonException>(ReadAsync(line + "\n"));

    private static Task<List<WatchEvent<ConfigMap>>> ReadAsync(string text) => ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    private static async Task<List<WatchEvent<ConfigMap>>> ReadAsync(Stream body)
    {
        var events = new List<WatchEvent<ConfigMap>>();
        await foreach (var next in WatchReader.ReadAsync(Call, body, ResourceTypes.ConfigMaps.Json, CancellationToken.None))
        {
            events.Add(next);
        }

        return events;
    }
}
